import { crc32 } from 'node:zlib';
import { RuntimeError } from '../../../base/errors.ts';
import { EntryReader } from '../entry-reader.ts';
import { cutRun, joinRuns, lastSeq, sliceRun } from '../entry-run.ts';
import type { EntryRun } from '../entry-run.ts';
import type { PageLimit } from '../log-engine.ts';
import { prepareAll } from './sql-database.ts';
import type { SqlDatabase, SqlStatement } from './sql-database.ts';

/** A segment is read as a whole, so it is no larger than what a reader wants at once. */
const MAX_SEGMENT_BYTES = 256 * 1024;
const MAX_SEGMENT_ENTRIES = 1024;
/** Segments that a page may be made of. A channel with little traffic has one entry in each. */
const MAX_PAGE_SEGMENTS = 256;

/**
 * Runs of entries are stored as they are, as one row each: what a transaction appends to a channel. A row per entry
 * costs ten times the time, and a catch-up sends the bytes of a segment on unread.
 *
 * Ids are given in log order over all channels, which lets retention take the oldest rows without an index on time.
 */
export const SEGMENTS_SCHEMA = `
  CREATE TABLE segments (
    id INTEGER PRIMARY KEY,
    channel INTEGER NOT NULL,
    first_seq INTEGER NOT NULL,
    last_seq INTEGER NOT NULL,
    stored_at_ms INTEGER NOT NULL,
    checksum INTEGER NOT NULL,
    entries BLOB NOT NULL,
    UNIQUE (channel, last_seq)
  );
`;

const SQL = {
  lastId: 'SELECT id, stored_at_ms FROM segments ORDER BY id DESC LIMIT 1',
  insert: `INSERT INTO segments (id, channel, first_seq, last_seq, stored_at_ms, checksum, entries)
    VALUES (?, ?, ?, ?, ?, ?, ?)`,
  // The length of a blob is known without reading it.
  measure: `SELECT first_seq, last_seq, length(entries) FROM segments
    WHERE channel = ? AND last_seq > ? AND last_seq <= ? ORDER BY last_seq LIMIT ?`,
  select: `SELECT first_seq, last_seq, checksum, entries FROM segments
    WHERE channel = ? AND last_seq > ? AND last_seq <= ? ORDER BY last_seq`,
  selectBehind: 'SELECT id, channel, checksum, entries FROM segments WHERE id > ? ORDER BY id LIMIT 1',
  trimmable:
    'SELECT id, first_seq, last_seq FROM segments WHERE channel = ? AND first_seq <= ? ORDER BY last_seq LIMIT ?',
  oldest: 'SELECT id, channel, first_seq, last_seq, stored_at_ms FROM segments ORDER BY id LIMIT ?',
  delete: 'DELETE FROM segments WHERE id = ?',
  shorten: 'UPDATE segments SET first_seq = ?, checksum = ?, entries = ? WHERE id = ?',
} as const;

/** A segment, without its entries. */
export interface Segment {
  readonly id: number;
  readonly channel: number;
  readonly firstSeq: number;
  readonly lastSeq: number;
  readonly storedAtMs: number;
}

/** The entries of all channels on one SQLite connection. All methods throw the driver's errors. */
export class SegmentTable {
  readonly #sql: Readonly<Record<keyof typeof SQL, SqlStatement>>;
  #lastId: number;
  /** When the newest segment was stored, in Unix ms; 0 without one. */
  readonly lastStoredAtMs: number;

  /** @param minLastId ids up to this one were given before, though their rows may be gone */
  constructor(database: SqlDatabase, minLastId: number) {
    this.#sql = prepareAll(database, SQL);
    const [id, storedAtMs] = (this.#sql.lastId.first([]) ?? [0, 0]) as [number, number];
    this.#lastId = Math.max(minLastId, id);
    this.lastStoredAtMs = storedAtMs;
  }

  /** Id of the newest segment. It counts on, also when a transaction is rolled back: ids need not be dense. */
  get lastId(): number {
    return this.#lastId;
  }

  /** Stores a run. */
  append(channel: number, run: EntryRun, storedAtMs: number): void {
    for (const { seqs, bytes } of cutRun(run, MAX_SEGMENT_ENTRIES, MAX_SEGMENT_BYTES)) {
      const id = (this.#lastId += 1);
      this.#sql.insert.run([id, channel, seqs[0] as number, seqs.at(-1) as number, storedAtMs, crc32(bytes), bytes]);
    }
  }

  /**
   * Entries of a channel behind `afterSeq` and up to `throughSeq`, of which there are some.
   *
   * @throws {@link RuntimeError} `store_damaged` if they are not what was written.
   */
  read(channel: number, afterSeq: number, throughSeq: number, limit: PageLimit): EntryRun {
    const rows = this.#sql.measure.all([channel, afterSeq, throughSeq, MAX_PAGE_SEGMENTS]) as [
      number,
      number,
      number,
    ][];
    let entries = 0;
    let bytes = 0;
    let upTo = 0;
    for (const [firstSeq, last, length] of rows) {
      if (upTo > 0 && (entries >= limit.entries || bytes + length > limit.bytes)) break;
      entries += last - Math.max(firstSeq - 1, afterSeq);
      bytes += length;
      upTo = last;
    }
    if (upTo === 0) throw damaged(afterSeq + 1);
    const runs: EntryRun[] = [];
    for (const row of this.#sql.select.all([channel, afterSeq, upTo])) {
      const [, , checksum, blob] = row as [number, number, number, Uint8Array];
      const run = runOf(blob, checksum);
      const before = runs.at(-1);
      const isHole = before === undefined ? run.prevSeq > afterSeq : run.prevSeq !== lastSeq(before);
      if (isHole) throw damaged((before === undefined ? afterSeq : lastSeq(before)) + 1);
      runs.push(run);
    }
    return pageOf(joinRuns(runs), afterSeq, limit);
  }

  /**
   * Calls `visit` with the ids of the messages in all segments behind the one named, oldest first. Those of a segment
   * that is damaged are left out: what cannot be read may come again.
   */
  eachIdBehind(id: number, visit: (channel: number, messageId: Uint8Array, seq: number) => void): void {
    for (let row = this.#sql.selectBehind.first([id]); row !== undefined; ) {
      const [rowId, channel, checksum, blob] = row as [number, number, number, Uint8Array];
      if (crc32(blob) === checksum) {
        const reader = new EntryReader(blob);
        for (const start of [0, ...reader.ends().slice(0, -1)]) {
          const { seq, messageId } = reader.head(start);
          visit(channel, messageId, seq);
        }
      }
      row = this.#sql.selectBehind.first([rowId]);
    }
  }

  /** The oldest segments over all channels, at most `count`. */
  oldest(count: number): Segment[] {
    return (this.#sql.oldest.all([count]) as [number, number, number, number, number][]).map(
      ([id, channel, firstSeq, last, storedAtMs]) => ({ id, channel, firstSeq, lastSeq: last, storedAtMs }),
    );
  }

  /** Deletes whole segments; returns how many entries they held. */
  delete(segments: readonly Segment[]): number {
    let entries = 0;
    for (const { id, firstSeq, lastSeq: last } of segments) {
      this.#sql.delete.run([id]);
      entries += last - firstSeq + 1;
    }
    return entries;
  }

  /** Deletes a channel's entries up to `upToSeq` from its oldest `count` segments; returns how many, and up to where. */
  trim(channel: number, upToSeq: number, count: number): { readonly entries: number; readonly upToSeq: number } {
    let entries = 0;
    let reached = 0;
    for (const row of this.#sql.trimmable.all([channel, upToSeq, count])) {
      const [id, firstSeq, last] = row as [number, number, number];
      reached = Math.min(last, upToSeq);
      entries += reached - firstSeq + 1;
      if (last <= upToSeq) this.#sql.delete.run([id]);
      else this.#shorten(channel, id, last, upToSeq);
    }
    return { entries, upToSeq: reached };
  }

  #shorten(channel: number, id: number, last: number, upToSeq: number): void {
    const row = this.#sql.select.first([channel, last - 1, last]);
    const [, , checksum, blob] = row as readonly [number, number, number, Uint8Array];
    const run = runOf(blob, checksum);
    const from = run.seqs.findIndex((seq) => seq > upToSeq);
    const { bytes } = sliceRun(run, from, run.seqs.length);
    this.#sql.shorten.run([upToSeq + 1, crc32(bytes), bytes, id]);
  }
}

function pageOf(run: EntryRun, afterSeq: number, limit: PageLimit): EntryRun {
  const from = run.prevSeq >= afterSeq ? 0 : run.seqs.findIndex((seq) => seq > afterSeq);
  const rest = sliceRun(run, from, run.seqs.length);
  const [page] = cutRun(rest, limit.entries, limit.bytes);
  return page as EntryRun;
}

function runOf(bytes: Uint8Array, checksum: number): EntryRun {
  if (crc32(bytes) !== checksum) throw damaged(undefined);
  const reader = new EntryReader(bytes);
  const ends = reader.ends();
  const { seq, prevSeq } = reader.head(0);
  return { bytes, ends, seqs: ends.map((_, index) => seq + index), prevSeq };
}

/** Says which entry is not what was written. */
export function damaged(seq: number | undefined): RuntimeError {
  const which = seq === undefined ? 'a segment of a channel' : `entry ${seq} of a channel`;
  return new RuntimeError('store_damaged', `${which} is not what was written`);
}
