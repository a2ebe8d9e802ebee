import { cp, open, readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { systemClock } from '../../src/base/clock.ts';
import type { OpenedLog } from '../../src/relay/engine/sqlite/open-log.ts';
import { openSqliteEngine } from '../../src/relay/engine/sqlite/sqlite-engine.ts';
import { tally } from './engine/test-channel.ts';
import {
  Acknowledged,
  closeLog,
  copyLog,
  crashImage,
  openLogIn,
  outcomeOf,
  refusalOf,
  release,
} from './support/crashed-log.ts';
import { commit, fresh, message, messages } from './support/submissions.ts';
import { temporaryDirectory } from './support/temp-dir.ts';

/**
 * Every test damages what a killed relay left behind. The log is then intact, or it is refused by name; it is never a shorter
 * log without a word, and no number is given twice.
 */

interface Crashed {
  /** Untouched files of a relay that was killed. */
  readonly image: string;
  /** A copy of them to damage. */
  readonly directory: string;
  readonly acknowledged: Acknowledged;
}

function opened(directory: string, options: Parameters<typeof openLogIn>[1] = {}): OpenedLog {
  const result = openLogIn(directory, options);
  onTestFinished(() => closeLog(result.log));
  return result;
}

/** A log whose newest part is in the write-ahead log alone, as its process left it. */
async function crashed(): Promise<Crashed> {
  const live = await temporaryDirectory();
  const acknowledged = new Acknowledged();
  // The older part has reached the database itself.
  const first = openLogIn(live).log;
  acknowledged.append(first, 0, messages(6));
  acknowledged.append(first, 1, messages(3));
  await closeLog(first);

  const { log } = openLogIn(live);
  acknowledged.append(log, 0, [message(), commit(0n), ...messages(3, 1n)]);
  acknowledged.append(log, 2, messages(2));
  acknowledged.append(log, 1, messages(1));
  const image = await crashImage(live);
  await closeLog(log);
  const directory = await crashImage(image);
  return { image, directory, acknowledged };
}

const wal = (directory: string): string => join(directory, 'relay.db-wal');
const main = (directory: string): string => join(directory, 'relay.db');
const marks = (directory: string): string => join(directory, 'relay.marks');

async function flip(file: string, offset: number): Promise<void> {
  const handle = await open(file, 'r+');
  const byte = new Uint8Array(1);
  await handle.read(byte, 0, 1, offset);
  await handle.write(new Uint8Array([(byte[0] ?? 0) ^ 0x10]), 0, 1, offset);
  await handle.close();
}

/** Does something to the files in a directory. */
type Damage = (directory: string) => Promise<void>;

/** What comes of each damage, done to a copy of its own. */
async function outcomesOf(
  { image, acknowledged }: Crashed,
  damages: readonly Damage[],
): Promise<Record<string, number>> {
  const copies = await temporaryDirectory();
  const outcomes: string[] = [];
  for (const [index, damage] of damages.entries()) {
    const directory = join(copies, String(index));
    await copyLog(image, directory);
    await damage(directory);
    outcomes.push(outcomeOf(directory, acknowledged));
    await rm(directory, { recursive: true });
  }
  await release();
  return tally(outcomes);
}

const steps = (size: number, by: number): number[] => Array.from({ length: Math.ceil(size / by) }, (_, at) => at * by);

describe('SQLite: a crash', () => {
  test('without damage leaves an intact log', async () => {
    const crash = await crashed();
    expect(outcomeOf(crash.directory, crash.acknowledged)).toBe('intact');
    await release();
    expect(outcomeOf(crash.directory, crash.acknowledged)).toBe('intact');
  });
});

describe('SQLite: a damaged write-ahead log', () => {
  test('that is cut, at every sector, is refused', async () => {
    const crash = await crashed();
    const { size } = await stat(wal(crash.directory));
    const cuts = steps(size, 512).map(
      (length): Damage =>
        (directory) =>
          truncate(wal(directory), length),
    );
    console.log(`${cuts.length} cuts of ${size} bytes`);
    expect(await outcomesOf(crash, cuts)).toEqual({ store_damaged: cuts.length });
    expect(cuts.length).toBeGreaterThan(40);
  });

  test('with a byte that is flipped, anywhere, is intact or refused', async () => {
    const crash = await crashed();
    const { size } = await stat(wal(crash.directory));
    const flips = steps(size, 701).map(
      (offset): Damage =>
        (directory) =>
          flip(wal(directory), offset),
    );
    const outcomes = await outcomesOf(crash, flips);
    console.log(outcomes);
    const { intact = 0, store_damaged: refused = 0 } = outcomes;
    expect(refused).toBeGreaterThan(flips.length / 2);
    expect(intact + refused).toBe(flips.length);
  });

  test('that is gone is refused, again and again, and kept for repair if there is one', async () => {
    const crash = await crashed();
    await rm(wal(crash.directory));
    expect((await refusalOf(crash.directory)).message).toMatch(
      /these are missing: 6 entries at the end of 2 channels, 1 channels altogether/,
    );
    expect(outcomeOf(crash.directory, crash.acknowledged)).toBe('store_damaged');
    await release();

    await copyLog(crash.image, crash.directory);
    await flip(wal(crash.directory), 60);
    const before = await readFile(wal(crash.directory));
    expect(outcomeOf(crash.directory, crash.acknowledged)).toBe('store_damaged');
    await release();
    expect(outcomeOf(crash.directory, crash.acknowledged)).toBe('store_damaged');
    expect(await readFile(`${wal(crash.directory)}.refused`)).toEqual(before);
  });
});

describe('SQLite: a damaged database file', () => {
  test('that is cut is refused', async () => {
    const crash = await crashed();
    const { size } = await stat(main(crash.directory));
    const cuts = steps(size, 4096).map(
      (length): Damage =>
        (directory) =>
          truncate(main(directory), length),
    );
    expect(await outcomesOf(crash, cuts)).toEqual({ store_damaged: cuts.length });
    await rm(main(crash.directory));
    expect(outcomeOf(crash.directory, crash.acknowledged)).toBe('store_damaged');
    await release();
  });

  test('with garbage in a page is intact or refused', async () => {
    const crash = await crashed();
    const { size } = await stat(main(crash.directory));
    const damages = steps(size, 4096).map(
      (offset): Damage =>
        async (directory) => {
          const handle = await open(main(directory), 'r+');
          await handle.write(fresh(4096), 0, 4096, offset);
          await handle.close();
        },
    );
    const outcomes = await outcomesOf(crash, damages);
    console.log(outcomes);
    const accepted = ['intact', 'store_damaged', 'reading: store_damaged'];
    expect(Object.keys(outcomes).filter((outcome) => !accepted.includes(outcome))).toEqual([]);
    expect(outcomes['store_damaged']).toBeGreaterThan(0);
  });

  test('that was replaced by an older copy is refused', async () => {
    const live = await temporaryDirectory();
    const acknowledged = new Acknowledged();
    const first = openLogIn(live).log;
    acknowledged.append(first, 0, messages(6));
    await closeLog(first);
    const older = await readFile(main(live));
    const second = openLogIn(live).log;
    acknowledged.append(second, 0, messages(2));
    await closeLog(second);
    await writeFile(main(live), older);
    expect((await refusalOf(live)).message).toMatch(/these are missing: 2 entries at the end of 1 channels/);
    expect(outcomeOf(live, acknowledged)).toBe('store_damaged');
    await release();
  });

  test('that lacks a change of members is refused', async () => {
    const live = await temporaryDirectory();
    const acknowledged = new Acknowledged();
    const [channel] = acknowledged.channels;
    const first = openLogIn(live).log;
    const by = { account: 'alice' as never, messagesPerMonth: undefined };
    first.append([{ channel, group: new Uint8Array(16), submissions: [message()], by }], 0);
    first.admit(channel, 'bob' as never);
    await closeLog(first);
    const older = await readFile(main(live));
    const second = openLogIn(live).log;
    second.expel(channel, 'bob' as never);
    await closeLog(second);
    await writeFile(main(live), older);
    expect((await refusalOf(live)).message).toMatch(/these are missing: 1 changes of members/);
  });
});

describe('SQLite: damaged high-water marks', () => {
  test('are refused, and so is a log without them', async () => {
    const crash = await crashed();
    const slot = 4096 + 64;
    const damages = [0, 5, 30, slot + 3, slot + 17, slot + 62].map(
      (at): Damage =>
        (directory) =>
          flip(marks(directory), at),
    );
    damages.push(
      (directory) => truncate(marks(directory), 0),
      (directory) => rm(marks(directory)),
    );
    expect(await outcomesOf(crash, damages)).toEqual({ store_damaged: damages.length });
  });

  test('are made when there is nothing yet that they could say', async () => {
    const directory = await temporaryDirectory();
    await closeLog(openLogIn(directory).log);
    await rm(marks(directory));
    opened(directory);
    expect(await readdir(directory)).toContain('relay.marks');
  });
});

describe('SQLite: a loss that the operator accepts', () => {
  test('gives no number twice, keeps what is there, and shows readers a gap', async () => {
    const crash = await crashed();
    const { size } = await stat(wal(crash.directory));
    for (const length of [0, ...steps(size, 4096 * 3)]) {
      await copyLog(crash.image, crash.directory);
      await truncate(wal(crash.directory), length);
      const acknowledged = crash.acknowledged.copy();
      const { log, acceptedLoss } = openLogIn(crash.directory, { acceptLoss: true });
      try {
        expect(acceptedLoss).toMatch(/^these are missing: /);
        // `append` throws if it gets a number that was given before.
        const seqs = [0, 1, 2].map((channel) => {
          const name = acknowledged.channels[channel] as never;
          const epoch = log.state(name)?.epoch ?? 0n;
          return acknowledged.append(log, channel, messages(2, epoch))[0];
        });
        const numbers = [0, 1, 2].map((channel) =>
          acknowledged.read(log, channel).flatMap((item) => ('gapTo' in item ? [] : [item.seq])),
        );
        expect(numbers.map((each) => each.at(-2))).toEqual(seqs);
        const [numbers0 = []] = numbers;
        expect(numbers0.slice(0, 6)).toEqual([1, 2, 3, 4, 5, 6]);
        // Who has read it all goes on without a gap, who has not is told.
        expect(acknowledged.read(log, 0, 11)[0]).toMatchObject({ seq: seqs[0] });
        if (!numbers0.includes(11)) expect(acknowledged.read(log, 0, 9)[0]).toEqual({ gapTo: seqs[0] });
      } finally {
        await closeLog(log);
      }
    }
  });

  test('lets members go on in the epoch that was reached, and needs to be accepted once', async () => {
    const crash = await crashed();
    await rm(wal(crash.directory));
    const { log } = openLogIn(crash.directory, { acceptLoss: true });
    const [channel] = crash.acknowledged.channels;
    expect(log.state(channel)).toMatchObject({ headSeq: 11, epoch: 1n });
    expect(crash.acknowledged.append(log, 0, [message(1n), commit(1n)])).toEqual([12, 13]);
    await closeLog(log);

    const again = opened(crash.directory);
    expect(again.acceptedLoss).toBeUndefined();
    expect(again.log.details()).toMatchObject({ acceptedLosses: 1 });
    const read = crash.acknowledged.read(again.log, 0);
    expect(read.map((item) => ('gapTo' in item ? `gap to ${item.gapTo}` : item.seq))).toEqual([
      ...[1, 2, 3, 4, 5, 6],
      'gap to 12',
      ...[12, 13],
    ]);
  });

  test('after a crash of the machine moves every channel on, because marks may be missing too', async () => {
    const crash = await crashed();
    await rm(wal(crash.directory));
    // The marks are those of another run of the machine.
    const file = await readFile(marks(crash.directory));
    file.fill(7, 8, 24);
    const { crc32 } = await import('node:zlib');
    file.writeUInt32BE(crc32(file.subarray(0, 60)), 60);
    await writeFile(marks(crash.directory), file);
    const { log } = opened(crash.directory, { acceptLoss: true });
    for (const channel of [0, 1, 2]) {
      const epoch = log.state(crash.acknowledged.channels[channel] as never)?.epoch ?? 0n;
      expect(crash.acknowledged.append(log, channel, messages(1, epoch))[0]).toBeGreaterThan(1_000_000);
    }
  });

  test('changes nothing where nothing is missing', async () => {
    const crash = await crashed();
    const { log, acceptedLoss } = opened(crash.directory, { acceptLoss: true });
    expect(acceptedLoss).toBeUndefined();
    expect(crash.acknowledged.missingFrom(log)).toEqual([]);
    expect(log.details()).toMatchObject({ acceptedLosses: 0 });
  });

  test('twice leaves two gaps', async () => {
    const crash = await crashed();
    const older = join(crash.directory, 'older');
    await rm(wal(crash.directory));
    await closeLog(openLogIn(crash.directory, { acceptLoss: true }).log);
    await cp(main(crash.directory), older);
    const first = openLogIn(crash.directory).log;
    crash.acknowledged.append(first, 0, messages(4, 1n));
    await closeLog(first);
    await cp(older, main(crash.directory));
    const { log } = opened(crash.directory, { acceptLoss: true });
    const [seq] = crash.acknowledged.append(log, 0, messages(1, 1n));
    const read = crash.acknowledged.read(log, 0, 6);
    expect(read.map((item) => ('gapTo' in item ? `gap to ${item.gapTo}` : item.seq))).toEqual([`gap to ${seq}`, seq]);
    expect(crash.acknowledged.read(log, 0, 13)[0]).toEqual({ gapTo: seq });
  });

  test('is told by the engine: refused by name, accepted by option, then shown in its health', async () => {
    const crash = await crashed();
    await rm(wal(crash.directory));
    const options = { dataDir: crash.directory, clock: systemClock };
    await expect(openSqliteEngine(options)).rejects.toMatchObject({
      code: 'store_damaged',
      message: expect.stringMatching(/6 entries at the end of 2 channels.*`acceptLoss`/) as string,
    });
    const engine = await openSqliteEngine({ ...options, acceptLoss: true });
    onTestFinished(() => engine.close());
    const warning = expect.stringMatching(/^a loss was accepted: these are missing: 6 entries/) as string;
    expect(await engine.health()).toMatchObject({ status: 'degraded', warnings: [warning] });
    await engine.close();

    const again = await openSqliteEngine(options);
    onTestFinished(() => again.close());
    expect(await again.health()).toMatchObject({ status: 'ok', warnings: [], details: { acceptedLosses: 1 } });
  });
});
