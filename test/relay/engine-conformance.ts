import { describe, expect, onTestFinished, test } from 'vitest';
import { toHex } from '../../src/base/bytes.ts';
import type { Clock } from '../../src/base/clock.ts';
import type { Appended, LogEngine } from '../../src/relay/engine/log-engine.ts';
import type { PublishAnswer, Submission } from '../../src/transport/index.ts';
import { entriesOf } from './support/runs.ts';
import { CHANNEL, commit, fresh, GROUP, message, messages, OTHER_CHANNEL, OTHER_GROUP } from './support/submissions.ts';
import { temporaryDirectory } from './support/temp-dir.ts';

/** How the suite gets an engine: the same `place` means the same log, also after `close()`. */
export type OpenEngine = (place: string, clock: Clock) => Promise<LogEngine>;

const PAGE = { entries: 1000, bytes: 1024 * 1024 };

/** What every log engine must do. */
export function describeLogEngine(name: string, openEngine: OpenEngine): void {
  const settableClock = (): Clock & { time: number } => {
    const clock = { time: 1_000_000, now: () => clock.time, schedule: () => () => undefined };
    return clock;
  };

  async function start(place?: string, clock: Clock = settableClock()): Promise<LogEngine> {
    const engine = await openEngine(place ?? (await temporaryDirectory()), clock);
    onTestFinished(() => engine.close());
    return engine;
  }

  const append = async (engine: LogEngine, ...submissions: Submission[]): Promise<readonly PublishAnswer[]> =>
    (await engine.append({ channel: CHANNEL, group: GROUP, submissions })).answers;

  const accepted = (seq: number, duplicate = false): PublishAnswer => ({ kind: 'accepted', seq, duplicate });
  const reasonsOf = (answers: readonly PublishAnswer[]): string[] =>
    answers.map((answer) =>
      answer.kind === 'refused' ? `${answer.reason}@${answer.currentEpoch}` : `seq ${answer.seq}`,
    );

  describe(`${name}: order`, () => {
    test('numbers the entries of each channel in the order of submission, each naming its predecessor', async () => {
      const engine = await start();
      const sent = messages(5);
      expect(await append(engine, ...sent.slice(0, 2))).toEqual([accepted(1), accepted(2)]);
      await engine.append({ channel: OTHER_CHANNEL, group: OTHER_GROUP, submissions: messages(3) });
      expect(await append(engine, ...sent.slice(2))).toEqual([accepted(3), accepted(4), accepted(5)]);

      const page = await engine.read(CHANNEL, 0, PAGE);
      expect(page.headSeq).toBe(5);
      expect(entriesOf(page.run)).toEqual(
        sent.map(({ kind, epoch, messageId, payload }, index) => ({
          seq: index + 1,
          prevSeq: index,
          kind,
          epoch,
          messageId,
          payload,
          storedAtMs: 1_000_000,
        })),
      );
    });

    test('answers appends that are under way at once in the order of their calls', async () => {
      const engine = await start();
      const answers = await Promise.all(messages(50).map((submission) => append(engine, submission)));
      expect(answers.flat()).toEqual(Array.from({ length: 50 }, (_, index) => accepted(index + 1)));
    });

    test('tells of what is appended in log order, with the stored bytes, before the answer is seen', async () => {
      const engine = await start();
      const told: Appended[] = [];
      engine.appended$.subscribe((appended) => told.push(appended));
      for (let round = 0; round < 3; round += 1) {
        await append(engine, ...messages(4));
        expect(told.flatMap(({ run }) => run.seqs)).toHaveLength(4 * (round + 1));
      }
      const stored = entriesOf((await engine.read(CHANNEL, 0, PAGE)).run);
      expect(told.flatMap(({ run }) => entriesOf(run))).toEqual(stored);
      expect(stored).toHaveLength(12);
    });

    test('reads pages that are bounded by entries and by bytes and join without a hole', async () => {
      const engine = await start();
      await append(engine, ...messages(10, 0n, 1000));
      const byEntries = await engine.read(CHANNEL, 0, { entries: 4, bytes: 1024 * 1024 });
      expect(byEntries.run?.seqs).toEqual([1, 2, 3, 4]);
      const byBytes = await engine.read(CHANNEL, 4, { entries: 100, bytes: 3500 });
      expect(byBytes.run?.seqs).toEqual([5, 6, 7]);
      const tooSmall = await engine.read(CHANNEL, 7, { entries: 100, bytes: 1 });
      expect(tooSmall.run?.seqs).toEqual([8]);
      expect((await engine.read(CHANNEL, 10, PAGE)).run).toBeUndefined();
      expect(await engine.read(OTHER_CHANNEL, 0, PAGE)).toEqual({
        run: undefined,
        resumesAtSeq: undefined,
        headSeq: 0,
      });
    });
  });

  describe(`${name}: identity`, () => {
    test('answers an id that it has with the old sequence number and stores it once', async () => {
      const engine = await start();
      const [first, second] = messages(2) as [Submission, Submission];
      await append(engine, first, second);
      expect(await append(engine, second, message(), first)).toEqual([
        accepted(2, true),
        accepted(3),
        accepted(1, true),
      ]);
      expect((await engine.read(CHANNEL, 0, PAGE)).run?.seqs).toEqual([1, 2, 3]);
    });

    test('recognises an id that comes twice in one request, and in two requests at once', async () => {
      const engine = await start();
      const twice = message();
      const answers = await Promise.all([append(engine, twice, twice), append(engine, twice)]);
      expect(answers).toEqual([[accepted(1), accepted(1, true)], [accepted(1, true)]]);
    });

    test('does not confuse the same id on two channels', async () => {
      const engine = await start();
      const shared = message();
      await append(engine, message(), shared);
      expect((await engine.append({ channel: OTHER_CHANNEL, group: GROUP, submissions: [shared] })).answers).toEqual([
        accepted(1),
      ]);
    });

    test('recognises ids, and goes on counting, after a restart', async () => {
      const place = await temporaryDirectory();
      const before = await start(place);
      const sent = messages(3);
      const decided = commit(0n);
      await append(before, ...sent, decided);
      await before.close();

      const after = await start(place);
      expect(await append(after, ...sent, decided)).toEqual([1, 2, 3, 4].map((seq) => accepted(seq, true)));
      expect(await append(after, message(1n))).toEqual([accepted(5)]);
      expect(await after.state(CHANNEL)).toEqual({ group: GROUP, headSeq: 5, epoch: 1n });
    });

    test('answers the id of a stored message even when its epoch has become too old', async () => {
      const engine = await start();
      const old = message();
      await append(engine, old);
      for (let epoch = 0n; epoch < 6n; epoch += 1n) await append(engine, commit(epoch));
      expect(await append(engine, old)).toEqual([accepted(1, true)]);
    });

    test('binds a channel to the group of the first stored submission', async () => {
      const engine = await start();
      const foreign = { channel: CHANNEL, group: OTHER_GROUP };
      expect(reasonsOf((await engine.append({ ...foreign, submissions: [message(3n)] })).answers)).toEqual([
        'epoch-unknown@0',
      ]);
      expect(await engine.state(CHANNEL)).toBeUndefined();
      const bound = message();
      await append(engine, bound);
      expect(reasonsOf((await engine.append({ ...foreign, submissions: [message(), bound] })).answers)).toEqual([
        'foreign-group@0',
        'foreign-group@0',
      ]);
      expect((await engine.state(CHANNEL))?.headSeq).toBe(1);
    });
  });

  describe(`${name}: epochs`, () => {
    test('stores the first commit of an epoch and refuses all others', async () => {
      const engine = await start();
      expect(reasonsOf(await append(engine, commit(1n), commit(0n), commit(0n), commit(1n), commit(0n)))).toEqual([
        'epoch-unknown@0',
        'seq 1',
        'epoch-decided@1',
        'seq 2',
        'epoch-decided@2',
      ]);
      expect(await engine.state(CHANNEL)).toMatchObject({ epoch: 2n, headSeq: 2 });
      expect(await engine.commitSeq(CHANNEL, 0n)).toBe(1);
      expect(await engine.commitSeq(CHANNEL, 1n)).toBe(2);
      expect(await engine.commitSeq(CHANNEL, 2n)).toBeUndefined();
      expect(await engine.commitSeq(CHANNEL, 2n ** 64n - 1n)).toBeUndefined();
      expect(await engine.commitSeq(OTHER_CHANNEL, 0n)).toBeUndefined();
    });

    test('lets one commit win each epoch when twenty race for it', async () => {
      const engine = await start();
      for (let epoch = 0n; epoch < 10n; epoch += 1n) {
        const answers = await Promise.all(Array.from({ length: 20 }, () => append(engine, commit(epoch))));
        expect(reasonsOf(answers.flat()).filter((reason) => reason.startsWith('seq'))).toEqual([`seq ${epoch + 1n}`]);
      }
    });

    test('refuses messages of future epochs and of epochs too far back', async () => {
      const engine = await start();
      for (let epoch = 0n; epoch < 5n; epoch += 1n) await append(engine, commit(epoch));
      const epochs = [5n, 4n, 1n, 0n, 6n, 2n ** 64n - 1n];
      expect(reasonsOf(await append(engine, ...epochs.map((epoch) => message(epoch))))).toEqual([
        'seq 6',
        'seq 7',
        'seq 8',
        'stale-epoch@5',
        'epoch-unknown@5',
        'epoch-unknown@5',
      ]);
    });
  });

  describe(`${name}: Welcomes`, () => {
    test('keeps the Welcomes of the commit that wins and none of one that loses', async () => {
      const engine = await start();
      const [bob, carol, dave] = [fresh(32), fresh(32), fresh(32)] as const;
      const toBob = fresh(500);
      const told: string[] = [];
      engine.appended$.subscribe(({ welcomeRefs }) => told.push(...welcomeRefs.map(toHex)));
      await append(
        engine,
        message(),
        commit(0n, [
          { keyPackageRefs: [bob], payload: toBob },
          { keyPackageRefs: [carol], payload: fresh(501) },
        ]),
        commit(0n, [{ keyPackageRefs: [dave], payload: fresh(10) }]),
      );
      expect(await engine.welcome(bob)).toEqual({ channel: CHANNEL, commitSeq: 2, payload: toBob });
      expect(await engine.welcome(carol)).toMatchObject({ payload: { length: 501 } });
      expect(await engine.welcome(dave)).toBeUndefined();
      expect(told).toEqual([toHex(bob), toHex(carol)]);
    });

    test('keeps them across a restart', async () => {
      const place = await temporaryDirectory();
      const ref = fresh(32);
      const before = await start(place);
      await append(before, commit(0n, [{ keyPackageRefs: [ref], payload: fresh(99) }]));
      await before.close();
      expect(await (await start(place)).welcome(ref)).toMatchObject({ payload: { length: 99 } });
    });
  });

  describe(`${name}: retention`, () => {
    test('says where reading goes on when entries behind the cursor are gone', async () => {
      const engine = await start();
      await append(engine, ...messages(10));
      expect(await engine.trim(CHANNEL, 6)).toBe(6);
      const page = await engine.read(CHANNEL, 2, PAGE);
      expect({ ...page, run: page.run?.seqs }).toEqual({ run: [7, 8, 9, 10], resumesAtSeq: 7, headSeq: 10 });
      expect((await engine.read(CHANNEL, 6, PAGE)).resumesAtSeq).toBeUndefined();
    });

    test('never gives a number twice, even when all entries are gone and after a restart', async () => {
      const place = await temporaryDirectory();
      const before = await start(place);
      await append(before, ...messages(3), commit(0n));
      expect(await before.trim(CHANNEL, 1000)).toBe(4);
      await before.close();

      const engine = await start(place);
      expect(await engine.read(CHANNEL, 1, PAGE)).toEqual({ run: undefined, resumesAtSeq: 5, headSeq: 4 });
      expect(await engine.commitSeq(CHANNEL, 0n)).toBe(4);
      expect(await append(engine, message(1n))).toEqual([accepted(5)]);
      expect(entriesOf((await engine.read(CHANNEL, 4, PAGE)).run)[0]).toMatchObject({ seq: 5, prevSeq: 4 });
    });

    test('deletes in slices, whatever the number of entries', async () => {
      const engine = await start();
      for (let round = 0; round < 25; round += 1) await append(engine, ...messages(100));
      expect(await engine.trim(CHANNEL, 2400)).toBe(2400);
      expect((await engine.read(CHANNEL, 2400, PAGE)).run?.seqs).toHaveLength(100);
    });

    test('deletes what was stored before a time, over all channels, with its Welcomes', async () => {
      const clock = settableClock();
      const engine = await start(undefined, clock);
      const ref = fresh(32);
      await append(engine, ...messages(2), commit(0n, [{ keyPackageRefs: [ref], payload: fresh(9) }]));
      await engine.append({ channel: OTHER_CHANNEL, group: GROUP, submissions: messages(2) });
      clock.time += 1000;
      await append(engine, message(1n));
      expect(await engine.trimStoredBefore(clock.time)).toBe(5);
      expect((await engine.read(CHANNEL, 0, PAGE)).run?.seqs).toEqual([4]);
      expect((await engine.read(OTHER_CHANNEL, 0, PAGE)).resumesAtSeq).toBe(3);
      expect(await engine.welcome(ref)).toBeUndefined();
    });

    test('stamps entries with times that never go back', async () => {
      const clock = settableClock();
      const engine = await start(undefined, clock);
      await append(engine, message());
      clock.time -= 500_000;
      await append(engine, message());
      const times = entriesOf((await engine.read(CHANNEL, 0, PAGE)).run).map(({ storedAtMs }) => storedAtMs);
      expect(times).toEqual([1_000_000, 1_000_000]);
    });
  });

  describe(`${name}: close`, () => {
    test('answers what was submitted before, and nothing after', async () => {
      const place = await temporaryDirectory();
      const engine = await start(place);
      let isComplete = false;
      engine.appended$.subscribe({ complete: () => (isComplete = true) });
      const pending = append(engine, ...messages(3));
      const closing = engine.close();
      expect(await pending).toEqual([accepted(1), accepted(2), accepted(3)]);
      await closing;
      expect(isComplete).toBe(true);
      expect(reasonsOf(await append(engine, message()))).toEqual(['unavailable@0']);
      await expect(engine.read(CHANNEL, 0, PAGE)).rejects.toMatchObject({ code: 'store_error' });
      expect((await (await start(place)).state(CHANNEL))?.headSeq).toBe(3);
    });
  });
}
