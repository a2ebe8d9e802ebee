import { describe, expect, test } from 'vitest';
import { entriesOf } from '../support/runs.ts';
import { message, messages } from '../support/submissions.ts';
import { START_MS, freshChannelName } from './suite.ts';
import type { EngineSuite } from './suite.ts';
import { seqsOf } from './test-channel.ts';

/** One order per channel. */
export function describeOrder(suite: EngineSuite): void {
  describe(`${suite.name}: order`, () => {
    test('numbers the entries of each channel in the order of submission, each naming its predecessor', async () => {
      const log = await suite.channel();
      const sent = messages(5);
      const seqs = await log.store(...sent.slice(0, 2));
      await log.at(freshChannelName()).store(...messages(3));
      seqs.push(...(await log.store(...sent.slice(2))));

      expect(seqs).toEqual([...new Set(seqs)].sort((a, b) => a - b));
      expect(seqs[0]).toBeGreaterThan(0);
      expect((await log.read()).headSeq).toBe(seqs[4]);
      const entries = await log.entries();
      expect(entries).toEqual(
        sent.map(({ kind, epoch, messageId, payload }, index) => ({
          seq: seqs[index],
          prevSeq: index === 0 ? 0 : seqs[index - 1],
          kind,
          epoch,
          messageId,
          payload,
          storedAtMs: suite.traits.ownClock === true ? (expect.any(Number) as number) : START_MS,
        })),
      );
    });

    test('answers appends that are under way at once in the order of their calls', async () => {
      const log = await suite.channel();
      const sent = messages(50);
      const seqs = seqsOf((await Promise.all(sent.map((submission) => log.append(submission)))).flat());
      expect(seqs).toEqual([...new Set(seqs)].sort((a, b) => a - b));
      expect((await log.entries()).map(({ messageId }) => messageId)).toEqual(sent.map(({ messageId }) => messageId));
    });

    test('tells of what is appended in log order, with the stored bytes, before the answer is seen', async () => {
      const log = await suite.channel();
      const told = log.appended();
      for (let round = 0; round < 3; round += 1) {
        await log.append(...messages(4));
        expect(told.flatMap(({ run }) => run.seqs)).toHaveLength(4 * (round + 1));
      }
      const stored = await log.entries();
      expect(stored).toHaveLength(12);
      expect(told.flatMap(({ run }) => entriesOf(run))).toEqual(stored);
      const ends = told.map(({ run }) => run.seqs.at(-1));
      expect(told.map(({ run }) => run.prevSeq)).toEqual([0, ...ends.slice(0, -1)]);
      expect(told[0]?.group).toEqual(log.group);
    });

    test('reads pages that are bounded by entries and by bytes and join without a hole', async () => {
      const log = await suite.channel();
      const seqs = await log.store(...messages(10, 0n, 1000));
      const runBehind = async (index: number, entries: number, bytes: number): Promise<unknown> => {
        const { run } = await log.read(index === 0 ? 0 : seqs[index - 1], { entries, bytes });
        return run && { seqs: run.seqs, prevSeq: run.prevSeq };
      };
      expect(await runBehind(0, 4, 1024 * 1024)).toEqual({ seqs: seqs.slice(0, 4), prevSeq: 0 });
      expect(await runBehind(4, 100, 3500)).toEqual({ seqs: seqs.slice(4, 7), prevSeq: seqs[3] });
      expect(await runBehind(7, 100, 1)).toEqual({ seqs: seqs.slice(7, 8), prevSeq: seqs[6] });
      expect(await runBehind(10, 100, 1024 * 1024)).toBeUndefined();
      expect(await log.at(freshChannelName()).read()).toEqual({ run: undefined, resumesAtSeq: undefined, headSeq: 0 });
    });

    test('knows nothing of a channel before something is stored in it', async () => {
      const log = await suite.channel();
      expect(await log.state()).toBeUndefined();
      const [seq] = await log.store(message());
      expect(await log.state()).toEqual({ group: log.group, headSeq: seq, epoch: 0n });
    });
  });
}
