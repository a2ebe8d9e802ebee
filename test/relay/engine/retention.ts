import { describe, expect, test } from 'vitest';
import { commit, fresh, message, messages } from '../support/submissions.ts';
import { freshChannelName, settableClock, START_MS } from './suite.ts';
import type { EngineSuite } from './suite.ts';
import type { TestChannel } from './test-channel.ts';

/** What happens when entries are deleted. */
export function describeRetention(suite: EngineSuite): void {
  describe(`${suite.name}: retention`, () => {
    test('says where reading goes on when entries behind the cursor are gone', async () => {
      const log = await suite.channel();
      const seqs = await log.store(...messages(10));
      expect(await log.engine.trim(log.channel, seqs[5] as number)).toBe(6);
      const page = await log.read(seqs[1]);
      expect({ ...page, run: page.run?.seqs }).toMatchObject({
        run: seqs.slice(6),
        resumesAtSeq: seqs[6],
        headSeq: seqs[9],
      });
      expect((await log.read(seqs[5])).resumesAtSeq).toBeUndefined();
      expect((await log.read(seqs[7])).resumesAtSeq).toBeUndefined();
      expect((await log.entries(0))[0]).toMatchObject({ seq: seqs[6], prevSeq: seqs[5] });
    });

    async function expectEmptied(log: TestChannel, seqs: readonly number[]): Promise<void> {
      const head = seqs.at(-1) as number;
      const page = await log.read(seqs[0]);
      expect(page).toMatchObject({ run: undefined, headSeq: head });
      expect(page.resumesAtSeq).toBeGreaterThan(head);
      expect((await log.read(head)).resumesAtSeq).toBeUndefined();
      expect(await log.engine.commitSeq(log.channel, 0n)).toBe(head);
      expect(await log.state()).toEqual({ group: log.group, headSeq: head, epoch: 1n });

      const [next] = (await log.store(message(1n))) as [number];
      expect(next).toBeGreaterThan(head);
      expect(page.resumesAtSeq).toBeLessThanOrEqual(next);
      expect((await log.entries(head))[0]).toMatchObject({ seq: next, prevSeq: head });
    }

    test('never gives a number twice, even when all entries are gone', async () => {
      const log = await suite.channel();
      const seqs = await log.store(...messages(3), commit(0n));
      expect(await log.engine.trim(log.channel, Number.MAX_SAFE_INTEGER)).toBe(4);
      await expectEmptied(log, seqs);
    });

    suite.testRestart('never gives a number twice, even when all entries are gone and after a restart', async () => {
      const before = await suite.restartable();
      const seqs = await before.store(...messages(3), commit(0n));
      expect(await before.engine.trim(before.channel, Number.MAX_SAFE_INTEGER)).toBe(4);
      await expectEmptied(await before.restart(), seqs);
    });

    test('deletes in slices, whatever the number of entries', async () => {
      const log = await suite.channel();
      const seqs: number[] = [];
      for (let round = 0; round < 25; round += 1) seqs.push(...(await log.store(...messages(100))));
      expect(await log.engine.trim(log.channel, seqs[2399] as number)).toBe(2400);
      expect((await log.read(seqs[2399])).run?.seqs).toEqual(seqs.slice(2400));
      expect(await log.engine.trim(log.channel, seqs[2399] as number)).toBe(0);
      expect(await log.engine.trim(freshChannelName(), 5)).toBe(0);
    });

    test('deletes what was stored before a time, over all channels, with its Welcomes', async () => {
      const clock = settableClock();
      const log = await suite.channel({ clock });
      const other = log.at(freshChannelName());
      const ref = fresh(32);
      const seqs = await log.store(...messages(2), commit(0n, [{ keyPackageRefs: [ref], payload: fresh(9) }]));
      const otherSeqs = await other.store(...messages(2));
      clock.time += 1000;
      const [marker, timeMs] = await firstStoredLater(log);
      expect(await log.engine.trimStoredBefore(timeMs)).toBeGreaterThanOrEqual(5);
      expect((await log.read()).run?.seqs[0]).toBe(marker);
      expect((await log.read(seqs[0])).resumesAtSeq).toBe(marker);
      const { run, resumesAtSeq } = await other.read();
      expect(run).toBeUndefined();
      expect(resumesAtSeq).toBeGreaterThan(otherSeqs[1] as number);
      expect(await log.engine.welcome(ref)).toBeUndefined();
    });

    /** Stores messages until one has a later stamp than what is there, which takes one if the clock was moved. */
    async function firstStoredLater(log: TestChannel): Promise<readonly [number, number]> {
      const newest = Math.max(...(await log.entries()).map(({ storedAtMs }) => storedAtMs));
      for (;;) {
        const [seq] = (await log.store(message(1n))) as [number];
        const [entry] = (await log.entries()).slice(-1);
        // One more than the next millisecond: what is stamped more finely than it is told is surely older.
        if (entry !== undefined && entry.storedAtMs > newest + 1) return [seq, entry.storedAtMs];
      }
    }

    suite.testClock('keeps what was stored at the very time', async () => {
      const clock = settableClock();
      const log = await suite.channel({ clock });
      const seqs = await log.store(...messages(3));
      expect(await log.engine.trimStoredBefore(START_MS)).toBe(0);
      expect((await log.read()).run?.seqs).toEqual(seqs);
    });

    suite.testClock('stamps entries with times that never go back', async () => {
      const clock = settableClock();
      const log = await suite.channel({ clock });
      await log.store(message());
      clock.time -= 500_000;
      await log.store(message());
      expect((await log.entries()).map(({ storedAtMs }) => storedAtMs)).toEqual([START_MS, START_MS]);
    });
  });
}
