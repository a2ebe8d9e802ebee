import { crc32 } from 'node:zlib';
import { RuntimeError } from '../../../base/errors.ts';
import { EntryReader } from '../entry-reader.ts';
import { cutRun, joinRuns, lastSeq, sliceRun } from '../entry-run.ts';
import type { EntryRun } from '../entry-run.ts';
import type { PageLimit } from '../log-engine.ts';
import type { SegmentFiles, SegmentPlace } from './segment-files.ts';
import { bufferFor } from './spare-buffer.ts';
import { prepareAll } from './sql-database.ts';
import type { SqlDatabase, SqlStatement } from './sql-database.ts';

/** A segment is read as a whole, so it is no larger than what a reader wants at once. */
const MAX_SEGMENT_BYTES = 256 * 1024;
const MAX_SEGMENT_ENTRIES = 1024;
/** Segments that a page may be made of. A channel with little traffic has one entry in each. */
const MAX_PAGE_SEGMENTS = 256;
/** A busy channel fills a page with a few. */
const LOOK_AT_ONCE = 8;
/** In front of a page, where the head of the frame goes that it is sent in. */
const HEADROOM_BYTES = 16;

/**
 * Of the segments whose bytes lie in {@link SegmentFiles}: where. Such a segment's `entries` are empty. It came with version 4; a
 * log that is moved from version 1 or 2 has it already.
 */
export const PLACES_SCHEMA = `
  CREATE TABLE IF NOT EXISTS segment_places (
    segment INTEGER PRIMARY KEY,
    file INTEGER NOT NULL,
    offset INTEGER NOT NULL,
    bytes INTEGER NOT NULL
  );
`;

/**
 * Runs of entries are stored as they are, as one row each: what a transaction appends to a channel. A row per entry
 * costs ten times the time, and a catch-up sends the bytes of a segment on unread.
 *
 * Ids are given in log order over all channels, which lets retention take the oldest rows without an index on time.
 */
export const SEGMENTS_SCHEMA: string = `
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
  ${PLACES_SCHEMA}
`;

const EMPTY = new Uint8Array(0);

const SQL = {
  lastId: 'SELECT id, stored_at_ms FROM segments ORDER BY id DESC LIMIT 1',
  insert: `INSERT INTO segments (id, channel, first_seq, last_seq, stored_at_ms, checksum, entries)
    VALUES (?, ?, ?, ?, ?, ?, ?)`,
  // The length of a blob is known without reading it.
  measure: `SELECT first_seq, last_seq, COALESCE(bytes, length(entries))
    FROM segments LEFT JOIN segment_places ON segment = id
    WHERE channel = ? AND last_seq > ? AND last_seq <= ? ORDER BY last_seq LIMIT ?`,
  select: `SELECT checksum, entries, file, offset, bytes FROM segments LEFT JOIN segment_places ON segment = id
    WHERE channel = ? AND last_seq > ? AND last_seq <= ? ORDER BY last_seq`,
  selectBehind: `SELECT checksum, entries, file, offset, bytes, id, channel
    FROM segments LEFT JOIN segment_places ON segment = id WHERE id > ? ORDER BY id LIMIT 1`,
  trimmable:
    'SELECT id, first_seq, last_seq FROM segments WHERE channel = ? AND first_seq <= ? ORDER BY last_seq LIMIT ?',
  oldest: 'SELECT id, channel, first_seq, last_seq, stored_at_ms FROM segments ORDER BY id LIMIT ?',
  delete: 'DELETE FROM segments WHERE id = ?',
  shorten: 'UPDATE segments SET first_seq = ?, checksum = ?, entries = ? WHERE id = ?',
  place: 'INSERT INTO segment_places (segment, file, offset, bytes) VALUES (?, ?, ?, ?)',
  oldestPlace: 'SELECT file, offset, bytes FROM segment_places ORDER BY segment LIMIT 1',
  displace: 'DELETE FROM segment_places WHERE segment = ?',
} as const;

/** A segment, without its entries. */
export interface Segment {
  readonly id: number;
  readonly channel: number;
  readonly firstSeq: number;
  readonly lastSeq: number;
  readonly storedAtMs: number;
}

/** Where a page ends, and how many bytes its segments have. */
interface PageEnd {
  readonly upToSeq: number;
  readonly bytes: number;
}

/** Of a row that says how to get at a segment's bytes. */
type BytesRow = [
  checksum: number,
  entries: Uint8Array,
  file: number | null,
  offset: number | null,
  bytes: number | null,
];

/** The entries of all channels on one SQLite connection. All methods throw the driver's errors. */
export class SegmentTable {
  readonly #sql: Readonly<Record<keyof typeof SQL, SqlStatement>>;
  readonly #files: SegmentFiles | undefined;
  #lastId: number;
  /** When the newest segment was stored, in Unix ms; 0 without one. */
  readonly lastStoredAtMs: number;

  /**
   * @param minLastId ids up to this one were given before, though their rows may be gone
   * @param files for large segments; without them all go into the database
   */
  constructor(database: SqlDatabase, minLastId: number, files?: SegmentFiles) {
    this.#sql = prepareAll(database, SQL);
    this.#files = files;
    const [id, storedAtMs] = (this.#sql.lastId.first([]) ?? [0, 0]) as [number, number];
    this.#lastId = Math.max(minLastId, id);
    this.lastStoredAtMs = storedAtMs;
  }

  /** Id of the newest segment. It counts on, also when a transaction is rolled back: ids need not be dense. */
  get lastId(): number {
    return this.#lastId;
  }

  /**
   * Stores a run, in a transaction.
   *
   * @param isLarge whether the transaction stores so much that the files are worth a flush of their own
   */
  append(channel: number, run: EntryRun, storedAtMs: number, isLarge = false): void {
    for (const { seqs, bytes } of cutRun(run, MAX_SEGMENT_ENTRIES, MAX_SEGMENT_BYTES)) {
      const id = (this.#lastId += 1);
      const place = isLarge ? this.#files?.put(bytes) : undefined;
      const row = [id, channel, seqs[0] as number, seqs.at(-1) as number, storedAtMs, crc32(bytes)];
      this.#sql.insert.run([...row, place === undefined ? bytes : EMPTY]);
      if (place !== undefined) this.#sql.place.run([id, place.file, place.offset, place.bytes]);
    }
  }

  /** Flushes what lies outside of the database: to be called at the end of a transaction, before it is committed. */
  flush(): void {
    this.#files?.flush();
  }

  /** The transaction is durable. */
  commit(): void {
    this.#files?.commit();
  }

  /** The transaction did not happen. */
  rollBack(): void {
    this.#files?.rollBack();
  }

  /** Deletes the files of which no segment needs anything. Behind a transaction that took segments, not inside of it. */
  tidy(): void {
    const place = this.#sql.oldestPlace.first([]) as [number, number, number] | undefined;
    this.#files?.keepFrom(place && { file: place[0], offset: place[1], bytes: place[2] });
  }

  /**
   * Entries of a channel behind `afterSeq` and up to `throughSeq`, of which there are some.
   *
   * @throws {@link RuntimeError} `store_damaged` if they are not what was written.
   */
  read(
    channel: number,
    afterSeq: number,
    throughSeq: number,
    limit: PageLimit,
    spare: ArrayBuffer | undefined,
  ): EntryRun {
    const { upToSeq, bytes } = this.#endOfPage(channel, afterSeq, throughSeq, limit);
    if (upToSeq === afterSeq) throw damaged(afterSeq + 1);
    const page = new Uint8Array(bufferFor(HEADROOM_BYTES + bytes, spare), HEADROOM_BYTES);
    const runs: EntryRun[] = [];
    let length = 0;
    for (const row of this.#sql.select.all([channel, afterSeq, upToSeq])) {
      const run = runOf(this.#bytesOf(row as BytesRow, page.subarray(length)));
      const before = runs.at(-1);
      const isHole = before === undefined ? run.prevSeq > afterSeq : run.prevSeq !== lastSeq(before);
      if (isHole) throw damaged((before === undefined ? afterSeq : lastSeq(before)) + 1);
      runs.push(run);
      length += run.bytes.length;
    }
    return pageOf(joinRuns(runs, page.subarray(0, length)), afterSeq, limit);
  }

  /** The last entry of the segments that a page behind `afterSeq` is made of, `afterSeq` if there are none; and their bytes. */
  #endOfPage(channel: number, afterSeq: number, throughSeq: number, limit: PageLimit): PageEnd {
    let entries = 0;
    let bytes = 0;
    let upToSeq = afterSeq;
    for (let looked = 0; looked < MAX_PAGE_SEGMENTS; looked += LOOK_AT_ONCE) {
      const rows = this.#sql.measure.all([channel, upToSeq, throughSeq, LOOK_AT_ONCE]) as [number, number, number][];
      for (const [firstSeq, last, length] of rows) {
        const isFull = entries >= limit.entries || bytes + length > limit.bytes;
        if (upToSeq > afterSeq && isFull) return { upToSeq, bytes };
        entries += last - Math.max(firstSeq - 1, afterSeq);
        bytes += length;
        upToSeq = last;
      }
      if (rows.length < LOOK_AT_ONCE) break;
    }
    return { upToSeq, bytes };
  }

  /**
   * Calls `visit` with the ids of the messages in all segments behind the one named, oldest first. Those of a segment
   * that is damaged are left out: what cannot be read may come again.
   */
  eachIdBehind(id: number, visit: (channel: number, messageId: Uint8Array, seq: number) => void): void {
    for (let row = this.#sql.selectBehind.first([id]); row !== undefined; ) {
      const [, , , , , rowId, channel] = row as [...BytesRow, number, number];
      const bytes = this.#bytesOf(row as unknown as BytesRow);
      if (bytes !== undefined) {
        const reader = new EntryReader(bytes);
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
      this.#delete(id);
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
      if (last <= upToSeq) this.#delete(id);
      else this.#shorten(channel, id, last, upToSeq);
    }
    return { entries, upToSeq: reached };
  }

  #delete(id: number): void {
    this.#sql.delete.run([id]);
    this.#sql.displace.run([id]);
  }

  /** What is left goes into the database, wherever it was. */
  #shorten(channel: number, id: number, last: number, upToSeq: number): void {
    const run = runOf(this.#bytesOf(this.#sql.select.first([channel, last - 1, last]) as unknown as BytesRow));
    const from = run.seqs.findIndex((seq) => seq > upToSeq);
    const { bytes } = sliceRun(run, from, run.seqs.length);
    this.#sql.shorten.run([upToSeq + 1, crc32(bytes), bytes, id]);
    this.#sql.displace.run([id]);
  }

  /**
   * The bytes of a segment; `undefined` if they are not what was written.
   *
   * @param target where they go, if it matters
   */
  #bytesOf([checksum, entries, file, offset, length]: BytesRow, target?: Uint8Array): Uint8Array | undefined {
    const place = { file, offset, bytes: length };
    const bytes = isPlace(place) ? this.#files?.read(place, target) : copied(entries, target);
    return bytes !== undefined && crc32(bytes) === checksum ? bytes : undefined;
  }
}

function copied(bytes: Uint8Array, target: Uint8Array | undefined): Uint8Array {
  if (target === undefined) return bytes;
  target.set(bytes);
  return target.subarray(0, bytes.length);
}

function isPlace(place: { readonly [Key in keyof SegmentPlace]: number | null }): place is SegmentPlace {
  return place.file !== null;
}

function pageOf(run: EntryRun, afterSeq: number, limit: PageLimit): EntryRun {
  const from = run.prevSeq >= afterSeq ? 0 : run.seqs.findIndex((seq) => seq > afterSeq);
  const rest = sliceRun(run, from, run.seqs.length);
  const [page] = cutRun(rest, limit.entries, limit.bytes);
  return page as EntryRun;
}

function runOf(bytes: Uint8Array | undefined): EntryRun {
  if (bytes === undefined) throw damaged(undefined);
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
