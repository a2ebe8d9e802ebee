import { appendFile, open, readdir, rm, stat, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import Libsql from 'libsql';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { LogSetup, OpenedLog } from '../../src/relay/engine/sqlite/open-log.ts';
import { tally } from './engine/test-channel.ts';
import { Acknowledged, closeLog, copyLog, crashImage, openLogIn, outcomeOf, release } from './support/crashed-log.ts';
import { fresh, messages } from './support/submissions.ts';
import { temporaryDirectory } from './support/temp-dir.ts';

// Large appends lie in files beside the database. They are promised what those inside of it are.

const LARGE = 4000;
const FIRST_FILE = 'relay.entries.1';

function opened(directory: string, options: Partial<LogSetup> = {}): OpenedLog {
  const result = openLogIn(directory, options);
  onTestFinished(() => closeLog(result.log));
  return result;
}

async function filesIn(directory: string): Promise<string[]> {
  return (await readdir(directory)).filter((name) => name.startsWith('relay.entries.')).sort();
}

/** Large appends to two channels with small ones in between, as a process that was killed left them. */
async function crashed(): Promise<{ readonly directory: string; readonly acknowledged: Acknowledged }> {
  const live = await temporaryDirectory();
  const acknowledged = new Acknowledged();
  const { log } = openLogIn(live);
  for (let round = 0; round < 3; round += 1) {
    acknowledged.append(log, 0, messages(40, 0n, LARGE));
    acknowledged.append(log, 0, messages(2));
    acknowledged.append(log, 1, messages(60, 0n, LARGE));
  }
  const directory = await crashImage(live);
  await closeLog(log);
  return { directory, acknowledged };
}

async function flip(file: string, offset: number): Promise<void> {
  const handle = await open(file, 'r+');
  const byte = new Uint8Array(1);
  await handle.read(byte, 0, 1, offset);
  await handle.write(new Uint8Array([(byte[0] ?? 0) ^ 0x10]), 0, 1, offset);
  await handle.close();
}

describe('SQLite: a file of entries', () => {
  test('takes large appends, written once and readable by nobody else, and outlives a crash', async () => {
    const { directory, acknowledged } = await crashed();
    expect(await filesIn(directory)).toEqual([FIRST_FILE]);
    const { size, mode } = await stat(join(directory, FIRST_FILE));
    expect(mode & 0o777).toBe(0o600);
    expect(size).toBeGreaterThan(300 * LARGE);
    expect(size).toBeLessThan(300 * (LARGE + 80));
    expect((await stat(join(directory, 'relay.db-wal'))).size).toBeLessThan(size);
    expect(outcomeOf(directory, acknowledged)).toBe('intact');
    await release();
  });

  test('is written over behind its end: what a transaction left there that did not happen', async () => {
    const { directory, acknowledged } = await crashed();
    const file = join(directory, FIRST_FILE);
    const { size } = await stat(file);
    await appendFile(file, fresh(400_000));
    const { log } = opened(directory);
    acknowledged.append(log, 1, messages(40, 0n, LARGE));
    expect(acknowledged.missingFrom(log)).toEqual([]);
    expect((await stat(file)).size).toBe(size + 400_000);
    acknowledged.append(log, 1, messages(100, 0n, LARGE));
    expect((await stat(file)).size).toBeGreaterThan(size + 400_000);
    expect(acknowledged.missingFrom(log)).toEqual([]);
  });

  test('knows the ids in it after a restart', async () => {
    const { directory, acknowledged } = await crashed();
    const { log } = openLogIn(directory);
    const batch = messages(40, 0n, LARGE);
    const seqs = acknowledged.append(log, 0, batch);
    await closeLog(log);
    const again = opened(directory).log;
    expect(acknowledged.append(again, 0, batch)).toEqual(seqs);
  });

  test('is read from the middle, and cut in the middle by a trim', async () => {
    const { directory, acknowledged } = await crashed();
    const { log } = opened(directory);
    const [channel] = acknowledged.channels;
    expect(log.read(channel, 30, { entries: 20, bytes: 1_000_000 }).run?.seqs.slice(0, 2)).toEqual([31, 32]);
    while (log.trimSlice(channel, 30) > 0);
    expect(log.read(channel, 0, { entries: 3, bytes: 1_000_000 })).toMatchObject({
      resumesAtSeq: 31,
      run: { seqs: [31, 32, 33], prevSeq: 30 },
    });
  });
});

describe('SQLite: a damaged file of entries', () => {
  test('that is cut, or gone, is refused', async () => {
    const { directory, acknowledged } = await crashed();
    const { size } = await stat(join(directory, FIRST_FILE));
    const lengths = [0, 1, 4096, Math.floor(size / 2), size - 1];
    const outcomes: string[] = [];
    for (const length of [...lengths, undefined]) {
      const copy = await crashImage(directory);
      if (length === undefined) await rm(join(copy, FIRST_FILE));
      else await truncate(join(copy, FIRST_FILE), length);
      outcomes.push(outcomeOf(copy, acknowledged));
    }
    await release();
    expect(tally(outcomes)).toEqual({ store_damaged: lengths.length + 1 });
  });

  test('with a byte that is flipped, anywhere, is found out when it is read', async () => {
    const { directory, acknowledged } = await crashed();
    const { size } = await stat(join(directory, FIRST_FILE));
    const offsets = Array.from({ length: 12 }, (_, part) => Math.floor((part * (size - 1)) / 11));
    const outcomes: string[] = [];
    for (const offset of offsets) {
      const copy = await crashImage(directory);
      await flip(join(copy, FIRST_FILE), offset);
      outcomes.push(outcomeOf(copy, acknowledged));
    }
    await release();
    expect(tally(outcomes)).toEqual({ 'reading: store_damaged': offsets.length });
  });

  test('whose loss is accepted reads as a gap, gives no number twice, and is accepted once', async () => {
    const { directory, acknowledged } = await crashed();
    const { size } = await stat(join(directory, FIRST_FILE));
    for (const length of [0, Math.floor(size / 2)]) {
      const copy = await temporaryDirectory();
      await copyLog(directory, copy);
      await truncate(join(copy, FIRST_FILE), length);
      const known = acknowledged.copy();
      const { log, acceptedLoss } = openLogIn(copy, { acceptLoss: true });
      expect(acceptedLoss).toMatch(/^these are missing: \d+ entries in 1 files of entries$/);
      const [seq] = known.append(log, 0, messages(40, 0n, LARGE)); // throws if a number was given before
      expect(seq).toBe(127);
      const read = known.read(log, 0);
      expect(read.filter((item) => 'gapTo' in item).length).toBeGreaterThan(0);
      const seqs = read.flatMap((item) => ('gapTo' in item ? [] : [item.seq]));
      expect(seqs).toEqual(expect.arrayContaining([41, 42, 83, 84, 125, 126, 127, 166]));
      await closeLog(log);
      const again = openLogIn(copy);
      expect(again.acceptedLoss).toBeUndefined();
      expect(known.read(again.log, 0)).toEqual(read);
      await closeLog(again.log);
    }
  });
});

describe('SQLite: files of entries', () => {
  /** Small enough for a file to be full after two appends. */
  const maxBytes = 6_400_000;

  test('give their space back when all that is in them is trimmed', async () => {
    const directory = await temporaryDirectory();
    const acknowledged = new Acknowledged();
    const { log } = opened(directory, { maxBytes });
    for (let round = 0; round < 6; round += 1) acknowledged.append(log, 0, messages(60, 0n, LARGE));
    const before = await filesIn(directory);
    expect(before.length).toBeGreaterThan(2);
    const [channel] = acknowledged.channels;
    while (log.trimSlice(channel, 300) > 0);
    expect(await filesIn(directory)).toEqual(before.slice(-1));
    expect(acknowledged.read(log, 0, 300)).toHaveLength(60);
    while (log.trimSlice(channel, 360) > 0);
    expect(await filesIn(directory)).toEqual([]);
    expect(log.details()).toMatchObject({ entryFileBytes: 0 });
    acknowledged.append(log, 0, messages(60, 0n, LARGE));
    expect(acknowledged.read(log, 0, 360)).toHaveLength(60);
  });

  test('that nothing needs are gone after a start, whatever stopped the relay from deleting them', async () => {
    const { directory, acknowledged } = await crashed();
    await appendFile(join(directory, 'relay.entries.7'), 'left behind');
    const { log } = opened(directory);
    expect(await filesIn(directory)).toEqual([FIRST_FILE]);
    expect(acknowledged.missingFrom(log)).toEqual([]);
  });

  test('and the database together stay within the size that is allowed, and go on when there is room', async () => {
    const directory = await temporaryDirectory();
    const acknowledged = new Acknowledged();
    const { log } = opened(directory, { maxBytes });
    let stored = 0;
    expect(() => {
      for (; stored < 6000; stored += 60) acknowledged.append(log, 0, messages(60, 0n, LARGE));
    }).toThrow(/full/);
    const { databaseBytes = 0, entryFileBytes = 0 } = log.details();
    expect(entryFileBytes).toBeGreaterThan(maxBytes / 2);
    expect(databaseBytes + entryFileBytes).toBeLessThanOrEqual(maxBytes);
    expect(acknowledged.read(log, 0)).toHaveLength(stored);
    const [channel] = acknowledged.channels;
    while (log.trimSlice(channel, stored - 60) > 0);
    expect(acknowledged.append(log, 0, messages(60, 0n, LARGE))[0]).toBe(stored + 1);
    expect(acknowledged.read(log, 0, stored - 60)).toHaveLength(120);
  });
});

test('SQLite: a log of format 3 is brought up to date, and goes on in files', async () => {
  const directory = await temporaryDirectory();
  const acknowledged = new Acknowledged();
  const { log } = openLogIn(directory);
  acknowledged.append(log, 0, messages(20));
  await closeLog(log);
  const database = new Libsql(join(directory, 'relay.db'));
  database.exec('DROP TABLE segment_places; PRAGMA user_version = 3');
  database.close();
  await release();
  const again = opened(directory).log;
  acknowledged.append(again, 0, messages(60, 0n, LARGE));
  expect(await filesIn(directory)).toEqual([FIRST_FILE]);
  expect(acknowledged.missingFrom(again)).toEqual([]);
});
