import { encodeDeliverFrame } from '../engine/entry-codec.ts';
import { cutRun } from '../engine/entry-run.ts';
import type { EntryRun } from '../engine/entry-run.ts';

/** Entries in one `Deliver` frame: where a frame's fixed cost is small against its entries, also of small ones. */
export const MAX_FRAME_ENTRIES = 256;
/** Bytes in one `Deliver` frame, unless a single entry is larger. */
export const MAX_FRAME_BYTES: number = 256 * 1024;

/** Entries that leave as one `Deliver` frame, shared by all subscribers that are at the same place. */
export class Chunk {
  #run: EntryRun;
  #subscription = -1;
  #frame: Buffer | undefined;

  constructor(run: EntryRun) {
    this.#run = run;
  }

  get run(): EntryRun {
    return this.#run;
  }

  /**
   * The frame for a subscription. The last one is remembered: clients that hold one subscription tend to give it the
   * same number, and then all of them are sent the very same bytes.
   */
  frame(subscription: number): Buffer {
    if (this.#frame === undefined || this.#subscription !== subscription) {
      const { bytes, headroom } = this.#run;
      this.#subscription = subscription;
      this.#frame = encodeDeliverFrame(subscription, bytes, headroom);
      // The frame ends with the run's bytes: one copy of them is enough to keep.
      this.#run = { ...this.#run, bytes: this.#frame.subarray(this.#frame.length - bytes.length) };
    }
    return this.#frame;
  }
}

/** A run as chunks of at most {@link MAX_FRAME_ENTRIES} and {@link MAX_FRAME_BYTES}. */
export function chunksOf(run: EntryRun): Chunk[] {
  return cutRun(run, MAX_FRAME_ENTRIES, MAX_FRAME_BYTES).map((piece) => new Chunk(piece));
}
