import { describe, expect, test } from 'vitest';
import { commit, fresh, message, OTHER_GROUP } from '../support/submissions.ts';
import { freshAccount, freshChannelName } from './suite.ts';
import type { EngineSuite } from './suite.ts';

/** Who may store something in a channel. */
export function describeAccounts(suite: EngineSuite): void {
  describe(`${suite.name}: members of a channel`, () => {
    test('start with the account that first stores something', async () => {
      const [alice, bob] = [freshAccount(), freshAccount()];
      const log = await suite.channel();
      const told = log.accessChanges();
      expect(await log.access(alice)).toBe('unclaimed');
      expect(await log.as(alice).verdicts(message(), commit(0n))).toEqual(['stored', 'stored']);
      expect(told).toEqual([`admitted ${alice}`]);
      expect([await log.access(alice), await log.access(bob)]).toEqual(['member', 'stranger']);
      expect(await log.at(freshChannelName()).access(alice)).toBe('unclaimed');
      await log.as(alice).store(message(1n));
      expect(told).toHaveLength(1);
    });

    test('do not start with a submission that is refused, nor with one on no account', async () => {
      const alice = freshAccount();
      const log = await suite.channel();
      const told = log.accessChanges();
      expect(await log.as(alice).verdicts(message(7n), commit(7n))).toEqual(['epoch-unknown@0', 'epoch-unknown@0']);
      expect(await log.as(alice, 0).verdicts(message())).toEqual(['quota-exceeded@0']);
      expect(await log.access(alice)).toBe('unclaimed');
      const known = message();
      await log.store(known);
      expect(await log.access(alice)).toBe('unclaimed');
      expect(await log.as(alice).verdicts(known)).toEqual(['known']);
      expect(await log.access(alice)).toBe('unclaimed');
      expect(told).toEqual([]);
      expect(await log.as(alice).verdicts(message())).toEqual(['stored']);
      expect(await log.access(alice)).toBe('member');
    });

    test('are one account when several race for a new channel', async () => {
      const log = await suite.channel();
      const told = log.accessChanges();
      const accounts = Array.from({ length: 10 }, freshAccount);
      const verdicts = await Promise.all(accounts.map((account) => log.as(account).verdicts(message(), commit(0n))));
      const winners = accounts.filter((_, index) => verdicts[index]?.[0] === 'stored');
      expect(winners).toHaveLength(1);
      expect(verdicts.filter(([one, two]) => one === 'unauthorized@0' && two === one)).toHaveLength(9);
      expect(told).toEqual([`admitted ${winners[0]}`]);
      expect((await log.read()).run?.seqs).toHaveLength(2);
    });

    test('are the only ones who store something; a stranger is told nothing else', async () => {
      const [alice, mallory] = [freshAccount(), freshAccount()];
      const log = await suite.channel();
      const known = message();
      await log.as(alice).store(known, commit(0n), commit(1n));
      const before = await log.state();
      const ref = fresh(32);
      const attempts = [
        message(2n),
        commit(2n, [{ keyPackageRefs: [ref], payload: fresh(40) }]),
        commit(0n),
        message(9n),
        known,
      ];
      const refusals = await log.as(mallory, 0).append(...attempts);
      for (const answer of refusals) {
        expect(answer).toMatchObject({ kind: 'refused', reason: 'unauthorized', currentEpoch: 0n });
      }
      expect(refusals).toHaveLength(5);
      expect(new Set(refusals.map((answer) => answer.kind === 'refused' && answer.detail)).size).toBe(1);
      expect(await log.as(mallory).of(OTHER_GROUP).verdicts(message())).toEqual(['unauthorized@0']);
      expect(await log.state()).toEqual(before);
      expect(await log.engine.welcome(ref)).toBeUndefined();
      expect((await log.as(mallory).outcome(message())).usage?.messages).toBe(0);
    });

    test('are admitted, once, to a channel that is claimed', async () => {
      const [alice, bob] = [freshAccount(), freshAccount()];
      const log = await suite.channel();
      expect(await log.admit(bob)).toBe(false);
      await log.store(message());
      expect(await log.admit(bob)).toBe(false);
      expect(await log.access(bob)).toBe('unclaimed');
      await log.as(alice).store(message());
      const told = log.accessChanges();
      expect([await log.admit(bob), await log.admit(bob)]).toEqual([true, true]);
      expect(told).toEqual([`admitted ${bob}`]);
      expect(await log.access(bob)).toBe('member');
      expect(await log.as(bob).verdicts(message())).toEqual(['stored']);
    });

    test('are expelled, and the channel stays claimed without any', async () => {
      const [alice, bob] = [freshAccount(), freshAccount()];
      const log = await suite.channel();
      expect(await log.expel(alice)).toBe(false);
      await log.as(alice).store(message());
      await log.admit(bob);
      const told = log.accessChanges();
      expect([await log.expel(bob), await log.expel(bob)]).toEqual([true, false]);
      expect(await log.as(bob).verdicts(message())).toEqual(['unauthorized@0']);
      expect(await log.expel(alice)).toBe(true);
      expect([await log.access(alice), await log.access(bob)]).toEqual(['stranger', 'stranger']);
      expect(await log.as(alice).verdicts(message())).toEqual(['unauthorized@0']);
      expect(await log.admit(alice)).toBe(true);
      expect(await log.as(alice).verdicts(message())).toEqual(['stored']);
      expect(told).toEqual([`expelled ${bob}`, `expelled ${alice}`, `admitted ${alice}`]);
    });

    test('do not matter to a relay that is open', async () => {
      const log = await suite.channel();
      await log.as(freshAccount()).store(message());
      expect(await log.verdicts(message())).toEqual(['stored']);
    });

    suite.testRestart('are known after a restart', async () => {
      const [alice, bob, carol] = [freshAccount(), freshAccount(), freshAccount()];
      const before = await suite.restartable();
      await before.as(alice).store(message());
      await before.admit(bob);
      await before.admit(carol);
      await before.expel(alice);
      const after = await before.restart();
      expect(await Promise.all([alice, bob, carol].map((account) => after.access(account)))).toEqual([
        'stranger',
        'member',
        'member',
      ]);
      expect(await after.as(carol).verdicts(message())).toEqual(['stored']);
      expect(await after.as(alice).verdicts(message())).toEqual(['unauthorized@0']);
    });
  });
}
