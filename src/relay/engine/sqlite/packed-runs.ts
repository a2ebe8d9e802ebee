import type { ChannelName } from '../../../base/channel-name.ts';
import type { Appended } from '../log-engine.ts';

/**
 * The runs of one transaction on their way back from the worker. Their bytes lie one behind the other in one buffer and
 * the ends of their entries in another; both are transferred, because cloning numbers and views one by one costs more than
 * to store the entries.
 */
export interface PackedRuns {
  readonly bytes: ArrayBuffer;
  /** Where each entry ends in its run, over all runs. */
  readonly ends: Uint32Array;
  readonly runs: readonly PackedRun[];
}

interface PackedRun {
  readonly channel: ChannelName;
  readonly group: Uint8Array;
  /** Numbers are dense in this engine: the first entry has the next one. */
  readonly prevSeq: number;
  readonly entries: number;
  readonly welcomeRefs: readonly Uint8Array[];
}

/** Packs runs that lie one behind the other from the start of `bytes`. */
export function packRuns(appended: readonly Appended[], bytes: ArrayBuffer): PackedRuns {
  const ends = new Uint32Array(appended.reduce((sum, { run }) => sum + run.ends.length, 0));
  let at = 0;
  const runs = appended.map(({ channel, group, run, welcomeRefs }) => {
    ends.set(run.ends, at);
    at += run.ends.length;
    return { channel, group, prevSeq: run.prevSeq, entries: run.ends.length, welcomeRefs };
  });
  return { bytes, ends, runs };
}

/** What was packed; the bytes of the runs are views. */
export function unpackRuns({ bytes, ends: allEnds, runs }: PackedRuns): Appended[] {
  let offset = 0;
  let at = 0;
  return runs.map(({ channel, group, prevSeq, entries, welcomeRefs }) => {
    const ends = Array.from(allEnds.subarray(at, at + entries));
    const seqs = ends.map((_, index) => prevSeq + 1 + index);
    const view = new Uint8Array(bytes, offset, ends[entries - 1]);
    at += entries;
    offset += view.length;
    return { channel, group, run: { bytes: view, seqs, ends, prevSeq }, welcomeRefs };
  });
}
