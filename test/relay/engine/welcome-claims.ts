import { describe, expect, test } from 'vitest';
import { commit, fresh, message } from '../support/submissions.ts';
import { freshAccount } from './suite.ts';
import type { EngineSuite } from './suite.ts';

/** What handing a Welcome to an account does. */
export function describeWelcomeClaims(suite: EngineSuite): void {
  describe(`${suite.name}: a Welcome that is handed to an account`, () => {
    const addressedTo = (...keyPackageRefs: Uint8Array[]): { keyPackageRefs: Uint8Array[]; payload: Uint8Array } => ({
      keyPackageRefs,
      payload: fresh(80),
    });

    test('admits it, is handed to it again, and to no other', async () => {
      const [alice, bob, mallory] = [freshAccount(), freshAccount(), freshAccount()];
      const log = await suite.channel();
      const told = log.accessChanges();
      const ref = fresh(32);
      const sent = addressedTo(ref);
      const [commitSeq] = await log.as(alice).store(commit(0n, [sent]));
      expect(await log.engine.welcome(fresh(32), bob)).toBeUndefined();
      expect(await log.access(bob)).toBe('stranger');

      const handed = { channel: log.channel, commitSeq, payload: sent.payload };
      expect(await log.engine.welcome(ref, bob)).toEqual(handed);
      expect(told).toEqual([`admitted ${alice}`, `admitted ${bob}`]);
      expect(await log.access(bob)).toBe('member');
      expect(await log.engine.welcome(ref, bob)).toEqual(handed);
      expect(await log.engine.welcome(ref, mallory)).toBe('taken');
      expect(await log.access(mallory)).toBe('stranger');
      expect(told).toHaveLength(2);
      expect(await log.as(bob).verdicts(message(1n))).toEqual(['stored']);
    });

    test('leaves the others of the same message to their owners', async () => {
      const [alice, bob, carol] = [freshAccount(), freshAccount(), freshAccount()];
      const log = await suite.channel();
      const refs = [fresh(32), fresh(32)] as const;
      await log.as(alice).store(commit(0n, [addressedTo(...refs)]));
      expect(await log.engine.welcome(refs[0], bob)).toMatchObject({ channel: log.channel });
      expect(await log.engine.welcome(refs[1], carol)).toMatchObject({ channel: log.channel });
      expect(await log.engine.welcome(refs[0], carol)).toBe('taken');
    });

    test('goes to one of several that ask at once', async () => {
      const log = await suite.channel();
      const ref = fresh(32);
      await log.as(freshAccount()).store(commit(0n, [addressedTo(ref)]));
      const told = log.accessChanges();
      const accounts = Array.from({ length: 8 }, freshAccount);
      const welcomes = await Promise.all(accounts.map((account) => log.engine.welcome(ref, account)));
      expect(welcomes.filter((welcome) => welcome === 'taken')).toHaveLength(7);
      const winner = accounts[welcomes.findIndex((welcome) => typeof welcome === 'object')];
      expect(told).toEqual([`admitted ${winner}`]);
    });

    test('does not bring back an account that was expelled since; a new Welcome does', async () => {
      const [alice, bob] = [freshAccount(), freshAccount()];
      const log = await suite.channel();
      const ref = fresh(32);
      await log.as(alice).store(commit(0n, [addressedTo(ref)]));
      await log.engine.welcome(ref, bob);
      await log.expel(bob);
      expect(await log.engine.welcome(ref, bob)).toMatchObject({ channel: log.channel });
      expect(await log.access(bob)).toBe('stranger');

      await log.as(alice).store(commit(1n, [addressedTo(ref)]));
      expect(await log.engine.welcome(ref, freshAccount())).toBe('taken');
      expect(await log.engine.welcome(ref, bob)).toMatchObject({ channel: log.channel });
      expect(await log.access(bob)).toBe('member');
    });

    test('admits it to an unclaimed channel from when that is claimed on', async () => {
      const [alice, bob] = [freshAccount(), freshAccount()];
      const log = await suite.channel();
      const ref = fresh(32);
      await log.store(commit(0n, [addressedTo(ref)]));
      expect(await log.engine.welcome(ref, bob)).toMatchObject({ channel: log.channel });
      expect(await log.access(bob)).toBe('unclaimed');
      await log.as(alice).store(message(1n));
      expect([await log.access(alice), await log.access(bob)]).toEqual(['member', 'member']);
    });

    test('is handed to anybody by a relay that is open', async () => {
      const log = await suite.channel();
      const ref = fresh(32);
      await log.as(freshAccount()).store(commit(0n, [addressedTo(ref)]));
      expect(await log.engine.welcome(ref)).toMatchObject({ channel: log.channel });
      const bob = freshAccount();
      expect(await log.engine.welcome(ref, bob)).toMatchObject({ channel: log.channel });
      expect(await log.access(bob)).toBe('member');
    });

    suite.testRestart('stays with it across a restart', async () => {
      const [alice, bob] = [freshAccount(), freshAccount()];
      const before = await suite.restartable();
      const ref = fresh(32);
      await before.as(alice).store(commit(0n, [addressedTo(ref)]));
      await before.engine.welcome(ref, bob);
      const after = await before.restart();
      expect(await after.engine.welcome(ref, freshAccount())).toBe('taken');
      expect(await after.engine.welcome(ref, bob)).toMatchObject({ channel: after.channel });
      expect(await after.access(bob)).toBe('member');
    });
  });
}
