import { randomInt } from 'node:crypto';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { EntryWriter } from '../../src/relay/engine/entry-codec.ts';
import { RunBuilder } from '../../src/relay/engine/run-builder.ts';
import { openLibsql } from '../../src/relay/engine/sqlite/libsql-database.ts';
import { filedUpTo, MESSAGE_IDS_SCHEMA, MessageIds } from '../../src/relay/engine/sqlite/message-ids.ts';
import { SEGMENTS_SCHEMA, SegmentTable } from '../../src/relay/engine/sqlite/segment-table.ts';
import type { SqlDatabase } from '../../src/relay/engine/sqlite/sql-database.ts';
import { fresh } from './support/submissions.ts';
import { temporaryDirectory } from './support/temp-dir.ts';

const CHANNELS = 3;
const LOT = 500;
/** So many are filed at once when nobody is ever idle. */
const LARGE_LOT = 4 * LOT;
const open = new Set<SqlDatabase>();

afterEach(() => {
  for (const database of open) database.close();
  open.clear();
});

/** A log of ids alone, next to a map that cannot be wrong. */
class Ids {
  readonly known = new Map<string, number>();
  ids: MessageIds;
  segments: SegmentTable;
  #database: SqlDatabase;
  readonly #path: string;
  #seq = 0;

  constructor(path: string) {
    this.#path = path;
    this.#database = openLibsql(path);
    this.#database.exec(`${SEGMENTS_SCHEMA} ${MESSAGE_IDS_SCHEMA}`);
    open.add(this.#database);
    this.segments = new SegmentTable(this.#database, filedUpTo(this.#database));
    this.ids = new MessageIds(this.#database, this.segments, LOT);
  }

  /** Stores `count` new ids in one transaction; `false` takes it back. */
  store(count: number, isCommitted = true): string[] {
    const channel = 1 + randomInt(CHANNELS);
    const stored = new Map<string, number>();
    this.#database.exec('BEGIN IMMEDIATE');
    const run = new RunBuilder(new EntryWriter(200 * count), this.#seq);
    const messageIds = Array.from({ length: count }, () => fresh(16));
    this.ids.prefetch(channel, messageIds);
    for (const messageId of messageIds) {
      if (this.ids.find(channel, 0, messageId) !== undefined) expect.fail('a new id is known');
      const seq = (this.#seq += 1);
      const storedAtMs = 1;
      run.writer.entry({ seq, prevSeq: seq - 1, kind: 'message', epoch: 0, messageId, payload: fresh(4), storedAtMs });
      run.add(seq);
      this.ids.add(channel, messageId, seq);
      stored.set(`${channel}/${Buffer.from(messageId).toString('hex')}`, seq);
    }
    this.segments.append(channel, run.finish(), 1);
    this.ids.file();
    this.#database.exec(isCommitted ? 'COMMIT' : 'ROLLBACK');
    if (isCommitted) this.ids.commit();
    else {
      this.ids.rollBack();
      this.#seq -= count;
    }
    if (isCommitted) for (const [key, seq] of stored) this.known.set(key, seq);
    return [...stored.keys()];
  }

  find(key: string, trimmedSeq = 0): number | undefined {
    const [channel = '', id = ''] = key.split('/');
    const messageId = new Uint8Array(Buffer.from(id, 'hex'));
    this.ids.prefetch(Number(channel), [messageId]);
    return this.ids.find(Number(channel), trimmedSeq, messageId);
  }

  expectAll(): void {
    for (const [key, seq] of this.known) if (this.find(key) !== seq) expect(this.find(key)).toBe(seq);
  }

  /** What is done in one go when there is nothing else to do; `false` takes it back. */
  tidyUp(isCommitted = true): void {
    this.#database.exec('BEGIN IMMEDIATE');
    this.ids.fileWhenIdle();
    this.ids.file();
    this.#database.exec(isCommitted ? 'COMMIT' : 'ROLLBACK');
    if (isCommitted) this.ids.commit();
    else this.ids.rollBack();
  }

  tidyUpAll(): void {
    while (this.ids.isFilingDue) this.tidyUp();
  }

  filed(): number {
    return Number(this.#database.prepare('SELECT COUNT(*) FROM filed_ids').first([])?.[0]);
  }

  restart(): void {
    this.#database.close();
    open.delete(this.#database);
    this.#database = openLibsql(this.#path);
    open.add(this.#database);
    this.segments = new SegmentTable(this.#database, filedUpTo(this.#database));
    this.ids = new MessageIds(this.#database, this.segments, LOT);
  }

  sweep(trimmedSeq: number): void {
    this.#database.exec('BEGIN IMMEDIATE');
    while (this.ids.sweepSlice(() => trimmedSeq));
    this.#database.exec('COMMIT');
  }
}

async function create(): Promise<Ids> {
  return new Ids(join(await temporaryDirectory(), 'ids.db'));
}

describe('message ids', () => {
  test('are all found while lots of them are filed, and after a restart at any moment of it', async () => {
    const log = await create();
    while (log.known.size < LARGE_LOT) log.store(100);
    expect(log.filed()).toBe(0);
    while (log.known.size < LARGE_LOT + 200) log.store(100);
    expect(log.filed()).toBeGreaterThan(0);
    expect(log.filed()).toBeLessThan(LARGE_LOT);
    log.restart();
    log.expectAll();
    while (log.known.size < 5 * LARGE_LOT) log.store(1 + randomInt(200));
    expect(log.filed()).toBeGreaterThan(2 * LARGE_LOT);
    log.expectAll();
    log.restart();
    log.expectAll();
  });

  test('are filed as soon as there is nothing else to do, a part at a time, from a small lot on', async () => {
    const log = await create();
    while (log.known.size < LOT - 100) log.store(100);
    log.tidyUpAll();
    expect(log.filed()).toBe(0);
    while (log.known.size < 2 * LOT) log.store(100);
    log.tidyUp(false);
    expect(log.filed()).toBe(0);
    log.tidyUp();
    expect(log.filed()).toBeGreaterThan(0);
    expect(log.filed()).toBeLessThan(2 * LOT);
    log.expectAll();
    log.store(100);
    log.restart();
    log.expectAll();
    log.tidyUpAll();
    expect(log.filed()).toBe(log.known.size);
    expect(log.ids.unfiled).toBe(0);
    log.expectAll();
  });

  test('of a transaction that did not happen are not known, and those that it filed are filed again', async () => {
    const log = await create();
    while (log.known.size < LARGE_LOT + 100) log.store(100);
    for (let round = 0; round < 40; round += 1) {
      const lost = log.store(50, round % 2 === 0);
      if (round % 2 === 1) for (const key of lost) expect(log.find(key)).toBeUndefined();
    }
    log.expectAll();
    log.restart();
    log.expectAll();
  });

  test('of trimmed entries are not known, and leave the index when it is swept', async () => {
    const log = await create();
    while (log.known.size < 3 * LARGE_LOT) log.store(100);
    const filed = log.filed();
    const trimmedSeq = 1000;
    for (const [key, seq] of [...log.known].slice(0, 1100)) {
      if ((log.find(key, trimmedSeq) === undefined) !== seq <= trimmedSeq) expect.fail(`entry ${seq}`);
    }
    log.sweep(trimmedSeq);
    expect(log.filed()).toBe(filed - trimmedSeq);
  });
});
