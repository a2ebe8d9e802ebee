import type { Tape } from './tape.ts';
import type { TapeRecord, TapeRecordKind } from './tape-record.ts';

/** What stands in the path to a divergence. */
const PATH_KINDS: ReadonlySet<TapeRecordKind> = new Set([
  'start',
  'turn',
  'input',
  'send',
  'commit',
  'leave',
  'settled',
  'emitted',
  'state',
  'timer',
  'end',
]);
const PATH_LENGTH = 16;

/** The latest records in front of this one that tell how it came to it, oldest first. */
export function pathTo({ records }: Tape, record: number): readonly TapeRecord[] {
  const path: TapeRecord[] = [];
  for (let index = Math.min(record, records.length) - 1; index >= 0 && path.length < PATH_LENGTH; index -= 1) {
    const step = records[index];
    if (step !== undefined && PATH_KINDS.has(step.kind)) path.unshift(step);
  }
  return path;
}
