import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { LogEngine } from '../../src/relay/engine/log-engine.ts';
import { openMemoryEngine } from '../../src/relay/engine/memory/index.ts';
import { openSqliteEngine } from '../../src/relay/engine/sqlite/sqlite-engine.ts';
import { silentLogger } from '../../src/relay/relay-logger.ts';
import { noMetrics } from '../../src/relay/relay-metrics.ts';
import { startRetention } from '../../src/relay/retention.ts';
import type { Retention, RetentionOptions } from '../../src/relay/retention.ts';
import { RetentionClock } from '../../src/relay/retention-clock.ts';
import { eventually } from './support/eventually.ts';
import { CHANNEL, GROUP, messages } from './support/submissions.ts';
import { temporaryDirectory } from './support/temp-dir.ts';
import { TestClock } from './support/test-clock.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const YEAR = 365 * DAY;

/** Retention over an engine that only notes up to which time it was told to trim. */
async function watched(options: Partial<RetentionOptions> = {}): Promise<{
  readonly clock: TestClock;
  readonly cuts: number[];
  readonly logged: string[];
  readonly retention: Retention;
  /** Lets time pass a minute at a time, as sweeps take place. */
  readonly pass: (ms: number) => Promise<void>;
}> {
  const clock = new TestClock();
  const cuts: number[] = [];
  const logged: string[] = [];
  const note = (_: object, message: string): void => void logged.push(message);
  const engine = {
    trimStoredBefore: (timeMs: number) => {
      cuts.push(timeMs);
      return Promise.resolve(0);
    },
  } as unknown as LogEngine;
  const logger = { debug: note, info: note, warn: note, error: note };
  const retention = await startRetention({
    engine,
    retentionMs: 7 * DAY,
    clock,
    logger,
    metrics: noMetrics,
    ...options,
  });
  const pass = async (ms: number): Promise<void> => {
    for (let left = ms; left > 0; left -= MINUTE) {
      const before = cuts.length;
      clock.advance(MINUTE);
      await eventually(() => cuts.length > before);
      await retention.idle();
    }
  };
  return { clock, cuts, logged, retention, pass };
}

describe('the sweeper', () => {
  test('deletes once a minute what is older than retention, to the millisecond', async () => {
    const { clock, cuts, pass } = await watched();
    const start = clock.now();
    await pass(3 * MINUTE);
    expect(cuts).toEqual([1, 2, 3].map((minutes) => start + minutes * MINUTE - 7 * DAY));
  });

  test.each(['memory', 'sqlite'] as const)('takes from the log on %s, and tells how much', async (kind) => {
    const clock = new TestClock();
    const engine =
      kind === 'memory'
        ? openMemoryEngine({ clock })
        : await openSqliteEngine({ dataDir: await temporaryDirectory(), clock });
    let trimmed = 0;
    const metrics = { ...noMetrics, trimmed: (entries: number) => void (trimmed += entries) };
    const retention = await startRetention({ engine, retentionMs: HOUR, clock, logger: silentLogger, metrics });
    await engine.append({ channel: CHANNEL, group: GROUP, submissions: messages(5) });
    clock.advance(40 * MINUTE);
    await retention.idle();
    await engine.append({ channel: CHANNEL, group: GROUP, submissions: messages(3) });
    clock.advance(20 * MINUTE);
    await retention.idle();
    clock.advance(MINUTE);
    await retention.idle();
    expect(trimmed).toBe(5);
    const page = await engine.read(CHANNEL, 0, { entries: 100, bytes: 1 << 20 });
    expect(page.run?.seqs).toHaveLength(3);
    expect(page.resumesAtSeq).toBe(6);
    retention.stop();
    await engine.close();
    await retention.ended;
  });

  test('lets appends through while much is deleted', async () => {
    const clock = new TestClock();
    const engine = await openSqliteEngine({ dataDir: await temporaryDirectory(), clock });
    for (let round = 0; round < 40; round += 1) {
      await engine.append({ channel: CHANNEL, group: GROUP, submissions: messages(100) });
    }
    clock.advance(HOUR);
    const order: string[] = [];
    const trimming = engine.trimStoredBefore(clock.now()).then((count) => order.push(`trimmed ${count}`));
    await engine.append({ channel: CHANNEL, group: GROUP, submissions: messages(1) });
    order.push('appended');
    await trimming;
    expect(order).toEqual(['appended', 'trimmed 4000']);
    await engine.close();
  });

  test('ends soon when the engine closes in the middle of a sweep', async () => {
    const clock = new TestClock();
    const engine = await openSqliteEngine({ dataDir: await temporaryDirectory(), clock });
    for (let round = 0; round < 50; round += 1) {
      await engine.append({ channel: CHANNEL, group: GROUP, submissions: messages(100) });
    }
    const errors: string[] = [];
    const logger = { ...silentLogger, error: (_: object, message: string) => void errors.push(message) };
    const retention = await startRetention({ engine, retentionMs: MINUTE, clock, logger, metrics: noMetrics });
    clock.advance(2 * MINUTE);
    retention.stop();
    await engine.close();
    await retention.ended;
    expect(errors).toEqual([]);
  });

  test('is not run into by the next one, and counts the time that passed meanwhile', async () => {
    let release: () => void = () => undefined;
    const asked: number[] = [];
    const engine = {
      trimStoredBefore: (timeMs: number) => {
        asked.push(timeMs);
        return new Promise<number>((resolve) => (release = () => resolve(0)));
      },
    } as unknown as LogEngine;
    const { clock, logged, retention } = await watched({ engine });
    const start = clock.now();
    clock.advance(3 * HOUR);
    expect(asked).toHaveLength(1);
    release();
    await retention.idle();
    clock.advance(MINUTE);
    await eventually(() => asked.length === 2);
    release();
    expect(asked[1]).toBe(start + 3 * HOUR + MINUTE - 7 * DAY);
    expect(logged).toEqual([]);
    retention.stop();
  });
});

describe('a clock that jumps', () => {
  test('a year ahead deletes nothing for a day, says so, and is believed if it stands', async () => {
    const { clock, cuts, logged, retention, pass } = await watched();
    const start = clock.now();
    await pass(2 * MINUTE);
    clock.jump(YEAR);
    await pass(DAY);
    expect(Math.max(...cuts)).toBeLessThanOrEqual(start + DAY + 2 * MINUTE - 7 * DAY);
    expect(logged).toEqual(['the clock is far ahead of where it was; retention does not follow it yet']);
    expect(retention.warnings()).toEqual(['the clock has jumped ahead; retention does not follow it yet']);
    await pass(2 * MINUTE);
    expect(cuts.at(-1)).toBe(clock.now() - 7 * DAY);
    expect(logged.at(-1)).toBe('retention follows the clock again');
    expect(retention.warnings()).toEqual([]);
  });

  test('ahead and back again costs nothing', async () => {
    const { clock, cuts, retention, pass } = await watched();
    const start = clock.now();
    await pass(MINUTE);
    clock.jump(YEAR);
    await pass(HOUR);
    clock.jump(-YEAR);
    await pass(MINUTE);
    expect(Math.max(...cuts)).toBe(start + HOUR + 2 * MINUTE - 7 * DAY);
    expect(retention.warnings()).toEqual([]);
  });

  test('by minutes, or back, is followed at once', async () => {
    const { clock, cuts, logged, pass } = await watched();
    clock.jump(10 * MINUTE);
    await pass(MINUTE);
    expect(cuts.at(-1)).toBe(clock.now() - 7 * DAY);
    clock.jump(-2 * DAY);
    await pass(MINUTE);
    expect(cuts.at(-1)).toBe(clock.now() - 7 * DAY);
    expect(logged).toEqual([]);
  });

  test('while the relay was off is noticed at the start, by the file that it keeps', async () => {
    const stateFile = join(await temporaryDirectory(), 'data', 'retention');
    const first = await watched({ stateFile });
    await first.pass(MINUTE);
    await eventually(() => first.cuts.length === 1);
    first.retention.stop();
    await first.retention.ended;
    const reached = first.clock.now();
    expect(await readFile(stateFile, 'utf8')).toBe(`${reached}\n`);

    await writeFile(stateFile, `${reached - YEAR}\n`);
    const second = await watched({ stateFile });
    await second.pass(HOUR);
    expect(Math.max(...second.cuts)).toBeLessThan(reached - YEAR + 2 * HOUR - 7 * DAY);
    expect(second.logged).toEqual(['the clock is far ahead of where it was; retention does not follow it yet']);
    second.retention.stop();
    await second.retention.ended;
  });

  test.each(['', 'not a time', '9'.repeat(40)])(
    'a damaged file (%j) is told once and done without',
    async (content) => {
      const stateFile = join(await temporaryDirectory(), 'retention');
      await writeFile(stateFile, content);
      const { clock, cuts, logged, retention, pass } = await watched({ stateFile });
      await pass(2 * MINUTE);
      expect(cuts.at(-1)).toBe(clock.now() - 7 * DAY);
      expect(logged).toEqual(['how far retention has come is not remembered over restarts']);
      retention.stop();
      await retention.ended;
    },
  );

  test('a relay that was off for less than a day goes on from the clock', () => {
    const now = Date.UTC(2026, 0, 10);
    expect(new RetentionClock(now, now - 23 * HOUR, DAY).nowMs).toBe(now);
    expect(new RetentionClock(now, now - 25 * HOUR, DAY).nowMs).toBe(now - 25 * HOUR);
  });
});
