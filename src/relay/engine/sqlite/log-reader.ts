import type { ChannelName } from '../../../base/channel-name.ts';
import type { LogPage, PageLimit } from '../log-engine.ts';
import type { ChannelRow } from './channel-table.ts';
import type { LogStatements } from './log-statements.ts';
import type { SegmentTable } from './segment-table.ts';

/** Reads pages of entries and checks that each is what was written. */
export class LogReader {
  readonly #sql: LogStatements;
  readonly #segments: SegmentTable;

  constructor(sql: LogStatements, segments: SegmentTable) {
    this.#sql = sql;
    this.#segments = segments;
  }

  /**
   * Numbers are dense, apart from ranges that were lost and given up: a page ends before such a range.
   *
   * @param spare a buffer for the page, if one is at hand
   * @throws {@link RuntimeError} `store_damaged` if an entry is not what was written.
   */
  read(name: ChannelName, afterSeq: number, limit: PageLimit, spare?: ArrayBuffer): LogPage {
    const row = this.#sql.selectChannel.first([name]);
    if (row === undefined) return { run: undefined, resumesAtSeq: undefined, headSeq: 0 };
    const [id, , headSeq, , , , trimmedSeq] = row as ChannelRow;
    let from = Math.max(afterSeq, trimmedSeq);
    let lost = this.#lostRangeBehind(id, from);
    for (; lost !== undefined && lost.afterSeq <= from; lost = this.#lostRangeBehind(id, from)) from = lost.throughSeq;
    const through = lost?.afterSeq ?? headSeq;
    const resumesAtSeq = from > afterSeq ? from + 1 : undefined;
    if (from >= through) return { run: undefined, resumesAtSeq, headSeq };

    return { run: this.#segments.read(id, from, through, limit, spare), resumesAtSeq, headSeq };
  }

  #lostRangeBehind(channel: number, seq: number): { afterSeq: number; throughSeq: number } | undefined {
    const row = this.#sql.nextLostRange.first([channel, seq]) as [number, number] | undefined;
    return row && { afterSeq: row[0], throughSeq: row[1] };
  }
}
