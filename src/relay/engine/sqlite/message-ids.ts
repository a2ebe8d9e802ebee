import { systemRandom } from '../../../base/random.ts';
import { IdFilter } from './id-filter.ts';
import { fillKey, IdLot, KEY_BYTES, KEY_WORDS, writeKey } from './id-lot.ts';
import type { SegmentTable } from './segment-table.ts';
import type { SqlDatabase, SqlStatement } from './sql-database.ts';
import { prepareAll } from './sql-database.ts';

/** Ids that are worth a visit to the index when there is nothing else to do. */
const LOT_IDS = 65_536;
/**
 * So many lots at once go there while there is much to do: of the more ids a page of the index gets some at once, the less often it is
 * written. More would be long to read again at the start.
 */
const LOTS_AT_ONCE = 4;
/** Ids that a transaction then files beside its own work, for each id that it brings: all are done before there are as many again. */
const FILED_PER_NEW_ID = 2;
const MIN_FILED = 64;
/** Ids that are filed at once when there is nothing else to do: what comes meanwhile waits for that. */
const FILED_WHEN_IDLE = 512;
/** Rows that one slice of a look through the index takes. */
const SLICE = 2000;
const SEQ_BYTES = 8;
const RECORD_BYTES = KEY_BYTES + SEQ_BYTES;

/**
 * Ids are random, so each one that goes into an index by itself rewrites a page of it, which costs more than to store
 * its message. New ids are therefore kept in memory, where a restart finds them again in the segments, and are filed in
 * sorted lots, a part of a lot at a time: when there is nothing else to do, and with each transaction if that does not come in time.
 * Numbers are bytes here: lots cross into the database as one blob.
 */
export const MESSAGE_IDS_SCHEMA = `
  CREATE TABLE filed_ids (
    id BLOB PRIMARY KEY, -- number of the channel, message id
    seq BLOB NOT NULL
  ) WITHOUT ROWID;
  CREATE TABLE filed_segments (up_to INTEGER NOT NULL);
  INSERT INTO filed_segments VALUES (0);
`;

const NUMBERS = 'WITH RECURSIVE numbers(n) AS (VALUES (0) UNION ALL SELECT n + 1 FROM numbers WHERE n + 1 < ?1)';

const SQL = {
  filedUpTo: 'SELECT up_to FROM filed_segments',
  markFiled: 'UPDATE filed_segments SET up_to = ?',
  select: `${NUMBERS} SELECT id, seq FROM numbers CROSS JOIN filed_ids WHERE id = substr(?2, n * ${KEY_BYTES} + 1, ${KEY_BYTES})`,
  // An id that is there already belongs to an entry that retention took.
  insert: `${NUMBERS} INSERT OR REPLACE INTO filed_ids (id, seq)
    SELECT substr(?2, n * ${RECORD_BYTES} + 1, ${KEY_BYTES}), substr(?2, n * ${RECORD_BYTES} + ${KEY_BYTES + 1}, ${SEQ_BYTES})
    FROM numbers`,
  slice: 'SELECT id, seq FROM filed_ids WHERE id > ? ORDER BY id LIMIT ?',
  delete: 'DELETE FROM filed_ids WHERE id = ?',
} as const;

/** A lot on its way into the index. */
interface Filing {
  readonly lot: IdLot;
  readonly buckets: number[][];
  /** All ids of segments up to this one are in the lot, or were filed before. */
  readonly upToSegment: number;
  /** Where to go on: a bucket, and a place in it. */
  bucket: number;
  place: number;
}

/** Which sequence number each message id has, on one SQLite connection. Survives a restart to the last id. */
export class MessageIds {
  readonly #sql: Readonly<Record<keyof typeof SQL, SqlStatement>>;
  readonly #segments: SegmentTable;
  readonly #lotIds: number;
  readonly #seed = Buffer.from(systemRandom.bytes(4)).readUInt32BE();
  readonly #key = new Uint32Array(KEY_WORDS);
  /** Of what is in the index. */
  readonly #filter = new IdFilter(this.#seed);
  /** How far the index was read into the filter; `undefined` when all of it was. */
  #filteredUpTo: Uint8Array | undefined = new Uint8Array(0);
  #recent: IdLot;
  #filing: Filing | undefined;
  /** What the last {@link prefetch} found in the index. */
  #found = new IdLot(1, this.#seed);
  /** For {@link rollBack}. */
  #before = { recent: 0, bucket: 0, place: 0 };
  #sweptUpTo = new Uint8Array(0);

  /** Reads the ids that were not filed before the last stop. */
  constructor(database: SqlDatabase, segments: SegmentTable, lotIds: number = LOT_IDS) {
    this.#lotIds = lotIds;
    this.#recent = new IdLot(lotIds, this.#seed);
    this.#sql = prepareAll(database, SQL);
    this.#segments = segments;
    segments.eachIdBehind(filedUpTo(database), (channel, messageId, seq) => this.add(channel, messageId, seq));
    this.commit();
  }

  /** Looks up what is in the index of these ids: to be called before {@link find}. Many at once cost little more than one. */
  prefetch(channel: number, messageIds: Iterable<Uint8Array>): void {
    if (this.#found.size > 0) this.#found = new IdLot(1, this.#seed);
    if (channel === 0) return;
    const wanted: Buffer[] = [];
    for (const messageId of messageIds) {
      fillKey(this.#key, channel, messageId);
      if (this.#filteredUpTo === undefined && !this.#filter.mayHave(this.#key, 0)) continue;
      const key = Buffer.allocUnsafe(KEY_BYTES);
      writeKey(key, 0, this.#key, 0);
      wanted.push(key);
    }
    if (wanted.length === 0) return;
    for (const row of this.#sql.select.all([wanted.length, Buffer.concat(wanted)])) {
      const [id, seq] = row as [Uint8Array, Uint8Array];
      fillKey(this.#key, channel, id.subarray(KEY_BYTES - 16));
      this.#found.add(this.#key, seqOf(seq));
    }
  }

  /** The sequence number of an id that was prefetched; `undefined` if it has none above `trimmedSeq`. */
  find(channel: number, trimmedSeq: number, messageId: Uint8Array): number | undefined {
    fillKey(this.#key, channel, messageId);
    const seq = this.#recent.find(this.#key) ?? this.#filing?.lot.find(this.#key) ?? this.#found.find(this.#key);
    return seq === undefined || seq <= trimmedSeq ? undefined : seq;
  }

  /** Gives an id a sequence number, in a transaction. */
  add(channel: number, messageId: Uint8Array, seq: number): void {
    fillKey(this.#key, channel, messageId);
    this.#recent.add(this.#key, seq);
  }

  /** Files a part of what is on its way, if anything is: to be called once in a transaction, behind its other work. */
  file(): void {
    this.#readIntoFilter();
    this.#fileSome(Math.max(MIN_FILED, FILED_PER_NEW_ID * (this.#recent.size - this.#before.recent)));
  }

  /** Ids that are in memory, and that a restart has to find again. */
  get unfiled(): number {
    return this.#recent.size + (this.#filing?.lot.size ?? 0);
  }

  /** Whether there is something for {@link fileWhenIdle}. */
  get isFilingDue(): boolean {
    return this.#filing !== undefined || this.#recent.size >= this.#lotIds || this.#filteredUpTo !== undefined;
  }

  /** Files a part of what waits, in a transaction of its own. */
  fileWhenIdle(): void {
    if (this.#recent.size >= this.#lotIds) this.#beginFiling();
    this.#fileSome(FILED_WHEN_IDLE);
  }

  /** The transaction is durable. */
  commit(): void {
    if (this.#filing?.bucket === this.#filing?.buckets.length) this.#filing = undefined;
    if (this.#recent.size >= LOTS_AT_ONCE * this.#lotIds) this.#beginFiling();
    const { bucket = 0, place = 0 } = this.#filing ?? {};
    this.#before = { recent: this.#recent.size, bucket, place };
  }

  /** The transaction did not happen. */
  rollBack(): void {
    const { recent, bucket, place } = this.#before;
    if (this.#recent.size > recent) this.#recent.truncate(recent);
    if (this.#filing !== undefined) Object.assign(this.#filing, { bucket, place });
  }

  /**
   * Deletes ids of trimmed entries from one slice of the index, in a transaction.
   *
   * @param trimmedSeq how far a channel is trimmed, by its number
   * @returns whether there is another slice
   */
  sweepSlice(trimmedSeq: (channel: number) => number): boolean {
    const rows = this.#sql.slice.all([this.#sweptUpTo, SLICE]) as [Uint8Array, Uint8Array][];
    for (const [id, seq] of rows) {
      if (seqOf(seq) <= trimmedSeq(Buffer.from(id).readUInt32BE())) this.#sql.delete.run([id]);
    }
    this.#sweptUpTo = new Uint8Array(rows.at(-1)?.[0] ?? []);
    return rows.length > 0;
  }

  /** All ids of recent entries are on their way into the index, unless others still are. */
  #beginFiling(): void {
    if (this.#filing !== undefined) return;
    const lot = this.#recent;
    this.#filing = { lot, buckets: lot.buckets(), upToSegment: this.#segments.lastId, bucket: 0, place: 0 };
    this.#recent = new IdLot(this.#lotIds, this.#seed);
    this.#before = { recent: 0, bucket: 0, place: 0 };
  }

  #fileSome(wanted: number): void {
    const filing = this.#filing;
    if (filing === undefined) return;
    const { lot, buckets } = filing;
    const records = Buffer.allocUnsafe(wanted * RECORD_BYTES);
    let count = 0;
    while (count < wanted && filing.bucket < buckets.length) {
      const places = buckets[filing.bucket] as number[];
      if (filing.place === 0) lot.sort(places);
      const upTo = Math.min(places.length, filing.place + wanted - count);
      for (; filing.place < upTo; count += 1) {
        this.#writeRecord(records, count * RECORD_BYTES, lot, places[filing.place++] as number);
      }
      if (filing.place < places.length) break;
      filing.bucket += 1;
      filing.place = 0;
    }
    if (count > 0) this.#sql.insert.run([count, records.subarray(0, count * RECORD_BYTES)]);
    if (filing.bucket === buckets.length) this.#sql.markFiled.run([filing.upToSegment]);
  }

  #writeRecord(records: Buffer, offset: number, lot: IdLot, place: number): void {
    writeKey(records, offset, lot.words, place * KEY_WORDS);
    records.writeDoubleBE(lot.seqAt(place), offset + KEY_BYTES);
    this.#filter.add(lot.words, place * KEY_WORDS);
  }

  /** A relay that starts on a large log does not wait for this: until it is done, every id is looked up. */
  #readIntoFilter(): void {
    if (this.#filteredUpTo === undefined) return;
    const rows = this.#sql.slice.all([this.#filteredUpTo, SLICE]) as [Uint8Array, Uint8Array][];
    for (const [id] of rows) {
      fillKey(this.#key, Buffer.from(id).readUInt32BE(), id.subarray(KEY_BYTES - 16));
      this.#filter.add(this.#key, 0);
    }
    const last = rows.at(-1)?.[0];
    this.#filteredUpTo = last === undefined ? undefined : new Uint8Array(last);
  }
}

/** Segments up to this one have their ids in the index. */
export function filedUpTo(database: SqlDatabase): number {
  return Number(database.prepare(SQL.filedUpTo).first([])?.[0] ?? 0);
}

function seqOf(bytes: Uint8Array): number {
  return Buffer.from(bytes).readDoubleBE();
}
