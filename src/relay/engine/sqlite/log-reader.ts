import { crc32 } from 'node:zlib';
import type { ChannelName } from '../../../base/channel-name.ts';
import { RuntimeError } from '../../../base/errors.ts';
import { ENTRY_OVERHEAD_BYTES, EntryWriter } from '../entry-codec.ts';
import type { EntryRun } from '../entry-run.ts';
import type { LogPage, PageLimit } from '../log-engine.ts';
import { RunBuilder } from '../run-builder.ts';
import type { ChannelRow } from './channel-table.ts';
import type { LogStatements } from './log-statements.ts';

/** Reads pages of entries and checks that each is what was written. */
export class LogReader {
  readonly #sql: LogStatements;

  constructor(sql: LogStatements) {
    this.#sql = sql;
  }

  /**
   * Numbers are dense, apart from ranges that were lost and given up: a page ends before such a range.
   *
   * @throws {@link RuntimeError} `store_damaged` if an entry is not what was written.
   */
  read(name: ChannelName, afterSeq: number, limit: PageLimit): LogPage {
    const row = this.#sql.selectChannel.first([name]);
    if (row === undefined) return { run: undefined, resumesAtSeq: undefined, headSeq: 0 };
    const [id, , headSeq, , , , trimmedSeq] = row as ChannelRow;
    let from = Math.max(afterSeq, trimmedSeq);
    let lost = this.#lostRangeBehind(id, from);
    for (; lost !== undefined && lost.afterSeq <= from; lost = this.#lostRangeBehind(id, from)) from = lost.throughSeq;
    const through = lost?.afterSeq ?? headSeq;
    const resumesAtSeq = from > afterSeq ? from + 1 : undefined;
    if (from >= through) return { run: undefined, resumesAtSeq, headSeq };

    const rows = this.#sql.selectEntries.all([id, from, through, limit.entries]) as [number, number, Uint8Array][];
    return { run: runOf(rows, from, limit.bytes), resumesAtSeq, headSeq };
  }

  #lostRangeBehind(channel: number, seq: number): { afterSeq: number; throughSeq: number } | undefined {
    const row = this.#sql.nextLostRange.first([channel, seq]) as [number, number] | undefined;
    return row && { afterSeq: row[0], throughSeq: row[1] };
  }
}

function runOf(rows: readonly [seq: number, checksum: number, Uint8Array][], from: number, maxBytes: number): EntryRun {
  let bytes = 0;
  let count = 0;
  if (rows.length === 0) throw new RuntimeError('store_damaged', `entry ${from + 1} of a channel is missing`);
  for (const [seq, checksum, entry] of rows) {
    bytes += entry.length + ENTRY_OVERHEAD_BYTES;
    if (count > 0 && bytes > maxBytes) break;
    count += 1;
    if (seq !== from + count || crc32(entry) !== checksum) {
      throw new RuntimeError('store_damaged', `entry ${from + count} of a channel is not what was written`);
    }
  }
  const run = new RunBuilder(new EntryWriter(bytes), from);
  for (const [seq, , entry] of rows.slice(0, count)) {
    run.writer.encoded(entry);
    run.add(seq);
  }
  return run.finish();
}
