import { describe, expect, test } from 'vitest';
import { toHex } from '../../../src/base/bytes.ts';
import { commit, fresh, message } from '../support/submissions.ts';
import { freshChannelName } from './suite.ts';
import type { EngineSuite } from './suite.ts';
import { seqsOf, tally, verdictsOf } from './test-channel.ts';

/** Commits, epochs and the Welcomes that come with a commit. */
export function describeEpochs(suite: EngineSuite): void {
  describe(`${suite.name}: epochs`, () => {
    test('stores the first commit of an epoch and refuses all others', async () => {
      const log = await suite.channel();
      const answers = await log.append(commit(1n), commit(0n), commit(0n), commit(1n), commit(0n));
      expect(verdictsOf(answers)).toEqual([
        'epoch-unknown@0',
        'stored',
        'epoch-decided@1',
        'stored',
        'epoch-decided@2',
      ]);
      const [first, second] = seqsOf(answers.filter(({ kind }) => kind === 'accepted'));
      expect(await log.state()).toMatchObject({ epoch: 2n, headSeq: second });
      const { engine, channel } = log;
      expect(await engine.commitSeq(channel, 0n)).toBe(first);
      expect(await engine.commitSeq(channel, 1n)).toBe(second);
      expect(await engine.commitSeq(channel, 2n)).toBeUndefined();
      expect(await engine.commitSeq(channel, 2n ** 64n - 1n)).toBeUndefined();
      expect(await engine.commitSeq(freshChannelName(), 0n)).toBeUndefined();
    });

    test('lets one commit win each epoch when twenty race for it', async () => {
      const log = await suite.channel();
      for (let epoch = 0n; epoch < 10n; epoch += 1n) {
        const answers = await Promise.all(Array.from({ length: 20 }, () => log.append(commit(epoch))));
        expect(tally(verdictsOf(answers.flat()))).toEqual({ stored: 1, [`epoch-decided@${epoch + 1n}`]: 19 });
      }
      expect((await log.entries()).map(({ kind, epoch }) => [kind, epoch])).toEqual(
        Array.from({ length: 10 }, (_, epoch) => ['commit', BigInt(epoch)]),
      );
    });

    test('refuses messages of future epochs and of epochs too far back', async () => {
      const log = await suite.channel();
      for (let epoch = 0n; epoch < 5n; epoch += 1n) await log.store(commit(epoch));
      const epochs = [5n, 4n, 1n, 0n, 6n, 2n ** 64n - 1n];
      expect(await log.verdicts(...epochs.map((epoch) => message(epoch)))).toEqual([
        'stored',
        'stored',
        'stored',
        'stale-epoch@5',
        'epoch-unknown@5',
        'epoch-unknown@5',
      ]);
    });
  });

  describe(`${suite.name}: Welcomes`, () => {
    test('are kept with the commit that wins, and none of one that loses', async () => {
      const log = await suite.channel();
      const [bob, carol, dave] = [fresh(32), fresh(32), fresh(32)] as const;
      const toBob = fresh(500);
      const told = log.appended();
      const answers = await log.append(
        message(),
        commit(0n, [
          { keyPackageRefs: [bob], payload: toBob },
          { keyPackageRefs: [carol], payload: fresh(501) },
        ]),
        commit(0n, [{ keyPackageRefs: [dave], payload: fresh(10) }]),
      );
      expect(verdictsOf(answers)).toEqual(['stored', 'stored', 'epoch-decided@1']);
      const commitSeq = seqsOf(answers.slice(0, 2))[1];
      expect(await log.engine.welcome(bob)).toEqual({ channel: log.channel, commitSeq, payload: toBob });
      expect(await log.engine.welcome(carol)).toMatchObject({ payload: { length: 501 } });
      expect(await log.engine.welcome(dave)).toBeUndefined();
      expect(told.flatMap(({ welcomeRefs }) => welcomeRefs.map(toHex))).toEqual([toHex(bob), toHex(carol)]);
    });

    test('of twenty racing commits are those of the winner', async () => {
      const log = await suite.channel();
      const refs = Array.from({ length: 20 }, () => fresh(32));
      const verdicts = await Promise.all(
        refs.map((ref) => log.verdicts(commit(0n, [{ keyPackageRefs: [ref], payload: fresh(50) }]))),
      );
      const welcomes = await Promise.all(refs.map((ref) => log.engine.welcome(ref)));
      expect(welcomes.map((welcome) => welcome !== undefined)).toEqual(verdicts.map(([one]) => one === 'stored'));
      expect(welcomes.filter((welcome) => welcome !== undefined)).toHaveLength(1);
    });

    test('for a key package that two commits name: the later one counts', async () => {
      const log = await suite.channel();
      const [ref, later] = [fresh(32), fresh(70)];
      await log.store(commit(0n, [{ keyPackageRefs: [ref], payload: fresh(60) }]));
      const [commitSeq] = await log.store(commit(1n, [{ keyPackageRefs: [fresh(32), ref], payload: later }]));
      expect(await log.engine.welcome(ref)).toEqual({ channel: log.channel, commitSeq, payload: later });
    });

    suite.testRestart('are kept across a restart', async () => {
      const before = await suite.restartable();
      const ref = fresh(32);
      await before.store(commit(0n, [{ keyPackageRefs: [ref], payload: fresh(99) }]));
      const after = await before.restart();
      expect(await after.engine.welcome(ref)).toMatchObject({ payload: { length: 99 } });
    });
  });
}
