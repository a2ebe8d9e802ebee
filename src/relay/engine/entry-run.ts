/**
 * Consecutive entries of one channel, encoded once. `bytes` is a valid `skytale.relay.v1.Deliver` without its
 * subscription: a sequence of `entries` fields, so that any slice at the ends in `ends` is one too.
 */
export interface EntryRun {
  readonly bytes: Uint8Array;
  /** Sequence numbers, rising. Never empty. */
  readonly seqs: readonly number[];
  /** Where each entry ends in `bytes`. */
  readonly ends: readonly number[];
  /** The predecessor of the first entry, 0 before the first of all. */
  readonly prevSeq: number;
  /** Bytes in front of `bytes`, in the same buffer, that may be written over. Default none. */
  readonly headroom?: number;
}

/** The last sequence number of a run. */
export function lastSeq(run: EntryRun): number {
  return run.seqs[run.seqs.length - 1] ?? run.prevSeq;
}

/** The entries from index `from` up to, not including, `to`. Shares its bytes with `run`. */
export function sliceRun(run: EntryRun, from: number, to: number): EntryRun {
  if (from === 0 && to >= run.seqs.length) return run;
  const start = startOf(run, from);
  const ends = run.ends.slice(from, to);
  return {
    bytes: run.bytes.subarray(start, ends[ends.length - 1] ?? start),
    seqs: run.seqs.slice(from, to),
    ends: ends.map((end) => end - start),
    prevSeq: from === 0 ? run.prevSeq : (run.seqs[from - 1] as number),
  };
}

/** How many entries from index `from` on fit into `maxEntries` and `maxBytes`; at least 1. */
export function fitting(run: EntryRun, from: number, maxEntries: number, maxBytes: number): number {
  const start = startOf(run, from);
  const limit = Math.min(run.seqs.length - from, maxEntries);
  let count = 1;
  while (count < limit && (run.ends[from + count] as number) - start <= maxBytes) count += 1;
  return count;
}

/** Cuts a run into runs of at most `maxEntries` entries and `maxBytes` bytes; a larger entry travels alone. */
export function cutRun(run: EntryRun, maxEntries: number, maxBytes: number): EntryRun[] {
  const pieces: EntryRun[] = [];
  for (let from = 0; from < run.seqs.length; ) {
    const count = fitting(run, from, maxEntries, maxBytes);
    pieces.push(sliceRun(run, from, from + count));
    from += count;
  }
  return pieces;
}

/**
 * Runs that follow each other as one. A single run is returned as it is.
 *
 * @param joined their bytes, if these lie one behind the other already
 */
export function joinRuns(runs: readonly EntryRun[], joined?: Uint8Array): EntryRun {
  const [first] = runs;
  if (first === undefined) throw new RangeError('Expected at least one run.');
  if (runs.length === 1) return first;
  let offset = 0;
  const ends = runs.flatMap((run) => {
    const base = offset;
    offset += run.bytes.length;
    return run.ends.map((end) => base + end);
  });
  const bytes = joined ?? Buffer.concat(runs.map((run) => run.bytes));
  return { bytes, seqs: runs.flatMap(({ seqs }) => seqs), ends, prevSeq: first.prevSeq };
}

function startOf(run: EntryRun, index: number): number {
  return index === 0 ? 0 : (run.ends[index - 1] as number);
}
