import type { Random } from '../../base/random.ts';
import type { LogEntry, Submission } from '../../transport/index.ts';
import type { HostileEntry } from '../faults/fault.ts';

const GARBAGE_BYTES = 64;

/** What somebody publishes behind `log` who may write there and is up to no good. */
export function hostileSubmissions(
  what: HostileEntry,
  times: number,
  log: readonly LogEntry[],
  random: Random,
): readonly Submission[] {
  const epoch = log.reduce(
    (latest, entry) => maxOf(latest, entry.kind === 'commit' ? entry.epoch + 1n : entry.epoch),
    0n,
  );
  const model = what === 'replay' ? log.findLast(({ kind }) => kind === 'message') : undefined;
  if (what === 'replay' && model === undefined) return [];
  return Array.from({ length: times }, () => ({
    kind: what === 'garbage-commit' ? 'commit' : 'message',
    epoch: model?.epoch ?? epoch,
    messageId: random.bytes(16),
    payload: model?.payload ?? random.bytes(GARBAGE_BYTES),
  }));
}

function maxOf(a: bigint, b: bigint): bigint {
  return a > b ? a : b;
}
