import type { ChannelRecord } from '../../../src/mls/store/index.ts';

/** Which of the records of `nextRecord` this is: each has journalled a message under twice its number. */
export function recordNumber(record: ChannelRecord): number {
  return (record.journal.at(-1)?.seq ?? 0) / 2;
}
