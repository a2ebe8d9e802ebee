import { crc32 } from 'node:zlib';
import { RuntimeError } from '../../../base/errors.ts';
import { ENTRY_OVERHEAD_BYTES, EntryWriter } from '../entry-codec.ts';
import { RunBuilder } from '../run-builder.ts';
import { MESSAGE_IDS_SCHEMA, MessageIds } from './message-ids.ts';
import { SEGMENTS_SCHEMA, SegmentTable } from './segment-table.ts';
import type { SqlDatabase } from './sql-database.ts';

/** Rows that are read at once, so that a large log is not held in memory. */
const SLICE = 512;

interface Row {
  readonly id: number;
  readonly channel: number;
  readonly seq: number;
  readonly storedAtMs: number;
  readonly messageId: Uint8Array;
  readonly entry: Uint8Array;
}

/**
 * Before version 3 a log had a row for each entry, and an index with a row for each id. Runs in the transaction that
 * raises the version: all or nothing.
 *
 * @throws {@link RuntimeError} `store_damaged` if an entry is not what was written.
 */
export function moveToSegments(database: SqlDatabase): void {
  database.exec(`${SEGMENTS_SCHEMA} ${MESSAGE_IDS_SCHEMA}`);
  const select = database.prepare(
    'SELECT id, channel, seq, stored_at_ms, message_id, checksum, entry FROM entries WHERE id > ? ORDER BY id LIMIT ?',
  );
  const segments = new SegmentTable(database, 0);
  const ids = new MessageIds(database, segments);
  for (let rows = select.all([0, SLICE]); rows.length > 0; ) {
    const slice = rows.map(checked);
    for (const neighbours of groupsOf(slice)) store(segments, neighbours);
    for (const { channel, messageId, seq } of slice) ids.add(channel, messageId, seq);
    ids.file();
    ids.commit();
    rows = select.all([slice.at(-1)?.id ?? 0, SLICE]);
  }
  database.exec('DROP TABLE entries; DROP TABLE message_ids');
}

function checked(row: readonly unknown[]): Row {
  const [id, channel, seq, storedAtMs, messageId, checksum, entry] = row as [
    ...[id: number, channel: number, seq: number, storedAtMs: number],
    ...[messageId: Uint8Array, checksum: number, entry: Uint8Array],
  ];
  if (crc32(entry) !== checksum) {
    throw new RuntimeError('store_damaged', `entry ${seq} of a channel is not what was written`);
  }
  return { id, channel, seq, storedAtMs, messageId, entry };
}

/** Rows that become one segment: of one channel, stored at one time, one behind the other. */
function groupsOf(rows: readonly Row[]): Row[][] {
  const groups: Row[][] = [];
  for (const row of rows) {
    const last = groups.at(-1)?.at(-1);
    const follows = last?.channel === row.channel && last.seq + 1 === row.seq && last.storedAtMs === row.storedAtMs;
    if (follows) groups.at(-1)?.push(row);
    else groups.push([row]);
  }
  return groups;
}

function store(segments: SegmentTable, rows: readonly Row[]): void {
  const [first] = rows;
  if (first === undefined) return;
  const bytes = rows.reduce((sum, { entry }) => sum + entry.length + ENTRY_OVERHEAD_BYTES, 0);
  const run = new RunBuilder(new EntryWriter(bytes), first.seq - 1);
  for (const { seq, entry } of rows) {
    run.writer.encoded(entry);
    run.add(seq);
  }
  segments.append(first.channel, run.finish(), first.storedAtMs);
}
