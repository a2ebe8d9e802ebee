import { readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import Libsql from 'libsql';
import { describe, expect, onTestFinished, test } from 'vitest';
import { systemClock } from '../../src/base/clock.ts';
import type { RuntimeError } from '../../src/base/errors.ts';
import type { LogEngine } from '../../src/relay/engine/log-engine.ts';
import { openSqliteEngine } from '../../src/relay/engine/sqlite/sqlite-engine.ts';
import type { SqliteEngineOptions } from '../../src/relay/engine/sqlite/sqlite-engine.ts';
import type { PublishAnswer, Submission } from '../../src/transport/index.ts';
import { describeLogEngine } from './engine-conformance.ts';
import { entriesOf } from './support/runs.ts';
import { CHANNEL, commit, fresh, GROUP, messages } from './support/submissions.ts';
import { temporaryDirectory } from './support/temp-dir.ts';

describeLogEngine('SQLite', (dataDir, options) => openSqliteEngine({ dataDir, ...options }), {
  durability: 'disk',
  shareEngine: true,
});

const PAGE = { entries: 1000, bytes: 1024 * 1024 };

async function start(dataDir: string, options: Partial<SqliteEngineOptions> = {}): Promise<LogEngine> {
  const engine = await openSqliteEngine({ dataDir, clock: systemClock, ...options });
  onTestFinished(() => engine.close());
  return engine;
}

async function alter(dataDir: string, sql: string): Promise<void> {
  const database = new Libsql(join(dataDir, 'relay.db'));
  database.exec(sql);
  database.close();
}

test('SQLite: puts ids into its index when nobody asks for anything, and knows them before and afterwards', async () => {
  const dataDir = await temporaryDirectory();
  const engine = await start(dataDir);
  const unfiled = async (): Promise<unknown> => (await engine.health()).details['unfiledIds'];
  const first = messages(1000);
  for (let lot = 0; lot < 66; lot += 1) {
    await engine.append({ channel: CHANNEL, group: GROUP, submissions: lot === 0 ? first : messages(1000) });
  }
  const again = async (): Promise<PublishAnswer[]> => {
    const outcome = await engine.append({ channel: CHANNEL, group: GROUP, submissions: first });
    return [...outcome.answers];
  };
  const known = first.map((_, index) => ({ kind: 'accepted', seq: index + 1, duplicate: true }));
  expect(await again()).toEqual(known);
  await expect.poll(unfiled, { interval: 200, timeout: 10_000 }).toBe(0);
  expect(await again()).toEqual(known);
});

test('SQLite: lends the buffer of a page for its frame if the page fills a good part of it, and not for one message', async () => {
  const engine = await start(await temporaryDirectory());
  await engine.append({ channel: CHANNEL, group: GROUP, submissions: messages(200, 0n, 1024) });
  await engine.append({ channel: CHANNEL, group: GROUP, submissions: messages(1) });
  const large = await engine.read(CHANNEL, 0, PAGE);
  expect(large.run?.headroom).toBeGreaterThanOrEqual(16);
  const held = large.run?.bytes.buffer as ArrayBuffer;
  large.release?.();
  const small = await engine.read(CHANNEL, 200, PAGE);
  expect(held.byteLength).toBe(0); // it has become the next page
  expect(small.run?.headroom).toBeUndefined();
  expect(entriesOf(small.run)).toMatchObject([{ seq: 201, prevSeq: 200 }]);
});

describe('SQLite: the data directory', () => {
  test('belongs to one engine at a time', async () => {
    const dataDir = await temporaryDirectory();
    const owner = await start(dataDir);
    await expect(openSqliteEngine({ dataDir, clock: systemClock })).rejects.toMatchObject({
      code: 'data_dir_in_use',
      message: 'runtime error: another relay uses this data directory',
    });
    await owner.close();
    await start(dataDir);
  });

  test('is refused when a newer version wrote it, and left as it is', async () => {
    const dataDir = await temporaryDirectory();
    const engine = await start(dataDir);
    await engine.append({ channel: CHANNEL, group: GROUP, submissions: messages(3) });
    await engine.close();
    await alter(dataDir, 'PRAGMA user_version = 5');
    const before = await readFile(join(dataDir, 'relay.db'));
    await expect(openSqliteEngine({ dataDir, clock: systemClock })).rejects.toMatchObject({
      code: 'data_dir_version',
      message: expect.stringContaining('format 5, this relay knows up to 4') as string,
    });
    expect(await readFile(join(dataDir, 'relay.db'))).toEqual(before);
  });

  test('is refused when it holds something else', async () => {
    const foreign = await temporaryDirectory();
    await alter(foreign, 'CREATE TABLE recipes (name TEXT)');
    await expect(openSqliteEngine({ dataDir: foreign, clock: systemClock })).rejects.toMatchObject({
      code: 'store_damaged',
    });
    const garbage = await temporaryDirectory();
    await writeFile(join(garbage, 'relay.db'), fresh(8192));
    await expect(openSqliteEngine({ dataDir: garbage, clock: systemClock })).rejects.toMatchObject({
      code: 'store_damaged',
    });
  });

  test('is created for its owner alone', async () => {
    const dataDir = join(await temporaryDirectory(), 'new', 'data');
    const engine = await start(dataDir);
    await engine.append({ channel: CHANNEL, group: GROUP, submissions: messages(3) });
    expect((await stat(dataDir)).mode & 0o777).toBe(0o700);
    const files = await readdir(dataDir);
    expect(files).toContain('relay.db-wal');
    for (const file of files) expect((await stat(join(dataDir, file))).mode & 0o077).toBe(0);
  });

  test('that cannot be written is refused', async () => {
    const dataDir = join(await temporaryDirectory(), 'file');
    await writeFile(dataDir, '');
    await expect(openSqliteEngine({ dataDir, clock: systemClock })).rejects.toMatchObject({ code: 'store_error' });
  });
});

describe('SQLite: a full disk', () => {
  test('answers unavailable, stores nothing of it, serves reads, and goes on when there is room', async () => {
    const errors: RuntimeError[] = [];
    const dataDir = await temporaryDirectory();
    const engine = await start(dataDir, { maxBytes: 600_000, onStoreError: (error) => errors.push(error) });
    const append = async (...submissions: Submission[]): Promise<readonly PublishAnswer[]> =>
      (await engine.append({ channel: CHANNEL, group: GROUP, submissions })).answers;
    let stored = 0;
    let refused: readonly Submission[] = [];
    while (refused.length === 0) {
      const batch = messages(20, 0n, 1000);
      const answers = await append(...batch);
      if (answers[0]?.kind === 'accepted') stored += 20;
      else refused = batch;
      expect(new Set(answers.map(({ kind }) => kind)).size).toBe(1);
      expect(stored).toBeLessThan(600);
    }
    expect(stored).toBeGreaterThan(100);
    expect(errors[0]?.code).toBe('store_error');
    const state = await engine.state(CHANNEL);
    expect(state).toMatchObject({ headSeq: stored, epoch: 0n });

    const ref = fresh(32);
    const lost = commit(0n, [{ keyPackageRefs: [ref], payload: fresh(100_000) }]);
    expect(await append(lost)).toMatchObject([{ kind: 'refused', reason: 'unavailable' }]);
    expect(await engine.welcome(ref)).toBeUndefined();
    expect((await engine.read(CHANNEL, 0, PAGE)).run?.seqs).toHaveLength(stored);

    await engine.trim(CHANNEL, stored);
    const answers = await append(...refused, lost);
    expect(answers.map((answer) => answer.kind === 'accepted' && answer.seq)).toEqual(
      Array.from({ length: 21 }, (_, index) => stored + index + 1),
    );
    expect(await engine.welcome(ref)).toMatchObject({ commitSeq: stored + 21 });
  });
});

describe('SQLite: a damaged segment', () => {
  /** Three segments: entries 1 to 4, entry 5, and entries 6 and 7. */
  async function damagedBy(sql: string): Promise<LogEngine> {
    const dataDir = await temporaryDirectory();
    const engine = await start(dataDir);
    for (const count of [4, 1, 2])
      await engine.append({ channel: CHANNEL, group: GROUP, submissions: messages(count) });
    await engine.close();
    await alter(dataDir, sql);
    return start(dataDir);
  }

  test('is not delivered: reading says so, and the entries around it can be read', async () => {
    const engine = await damagedBy('UPDATE segments SET entries = zeroblob(length(entries)) WHERE last_seq = 5');
    expect((await engine.read(CHANNEL, 1, { entries: 3, bytes: 9999 })).run?.seqs).toEqual([2, 3, 4]);
    await expect(engine.read(CHANNEL, 1, PAGE)).rejects.toMatchObject({ code: 'store_damaged' });
    expect(entriesOf((await engine.read(CHANNEL, 5, PAGE)).run).map(({ seq }) => seq)).toEqual([6, 7]);
  });

  test.each([4, 5, 7])('that is missing altogether is noticed (up to %i)', async (lastSeq) => {
    const engine = await damagedBy(`DELETE FROM segments WHERE last_seq = ${lastSeq}`);
    await expect(readAll(engine)).rejects.toMatchObject({ code: 'store_damaged' });
  });
});

async function readAll(engine: LogEngine): Promise<number[]> {
  const seqs: number[] = [];
  for (;;) {
    const { run, headSeq } = await engine.read(CHANNEL, seqs.at(-1) ?? 0, { entries: 3, bytes: 9999 });
    seqs.push(...(run?.seqs ?? []));
    if (run === undefined || seqs.at(-1) === headSeq) return seqs;
  }
}
