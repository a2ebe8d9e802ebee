import type { ChannelName } from '../../base/channel-name.ts';
import { joinRuns, lastSeq, sliceRun } from '../engine/entry-run.ts';
import type { EntryRun } from '../engine/entry-run.ts';
import { Chunk, chunksOf, MAX_FRAME_BYTES, MAX_FRAME_ENTRIES } from './chunk.ts';

/** The number that a client gives its first subscription. */
const USUAL_SUBSCRIPTION = 1;

/**
 * The newest entries of the channels that somebody reads, in memory, so that live subscribers are served without the
 * disk, and those who are a little behind are too. Bounded over all channels: the oldest go first.
 */
export class RecentEntries {
  readonly #maxBytes: number;
  /** Per channel without holes, oldest first. */
  readonly #channels = new Map<ChannelName, Chunk[]>();
  /** Over all channels, oldest first; entries of forgotten channels stay until it is their turn. */
  readonly #order: { channel: ChannelName; chunk: Chunk }[] = [];
  #evicted = 0;
  #bytes = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** Bytes of entries that are held. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Adds what was appended to a channel. */
  push(channel: ChannelName, run: EntryRun): void {
    let chunks = this.#channels.get(channel);
    const newest = chunks?.at(-1);
    if (chunks === undefined || (newest !== undefined && lastSeq(newest.run) !== run.prevSeq)) {
      chunks = [];
      this.#channels.set(channel, chunks);
    }
    for (const chunk of chunksOf(run)) {
      // The copy that most subscribers are sent is the one that is kept: a view would keep the whole transaction's buffer.
      chunk.frame(USUAL_SUBSCRIPTION);
      chunks.push(chunk);
      this.#order.push({ channel, chunk });
      this.#bytes += chunk.run.bytes.length;
    }
  }

  /** Lets go of what is too much. Apart from {@link push}, so that live subscribers are served in between. */
  evict(): void {
    while (this.#bytes > this.#maxBytes) {
      const oldest = this.#order[this.#evicted];
      if (oldest === undefined) break;
      this.#order[this.#evicted] = undefined as never; // the slot goes with the next compaction, the bytes go now
      this.#evicted += 1;
      this.#bytes -= oldest.chunk.run.bytes.length;
      const chunks = this.#channels.get(oldest.channel);
      if (chunks?.[0] === oldest.chunk) chunks.shift();
      if (chunks?.length === 0) this.#channels.delete(oldest.channel);
    }
    if (this.#evicted > 1024 && this.#evicted * 2 > this.#order.length) {
      this.#order.splice(0, this.#evicted);
      this.#evicted = 0;
    }
  }

  /**
   * Entries behind `seq` for one frame, at most `maxEntries`; `undefined` if the next one is not in memory. `upToSeq` is where
   * an append has ended: nothing that was appended later comes along.
   */
  after(channel: ChannelName, seq: number, upToSeq: number, maxEntries: number): Chunk | undefined {
    const chunks = this.#channels.get(channel) ?? [];
    const index = indexBehind(chunks, seq);
    const chunk = chunks[index];
    if (chunk === undefined || chunk.run.prevSeq > seq) return undefined;
    const from = chunk.run.prevSeq === seq ? 0 : chunk.run.seqs.findIndex((candidate) => candidate > seq);
    const rest = sliceRun(chunk.run, from, Math.min(chunk.run.seqs.length, from + maxEntries));
    const runs = [rest];
    let entries = rest.seqs.length;
    let bytes = rest.bytes.length;
    // Somebody who lags behind many small appends gets them in full frames.
    for (let next = index + 1; next < chunks.length; next += 1) {
      const { run } = chunks[next] as Chunk;
      if (lastSeq(run) > upToSeq) break;
      entries += run.seqs.length;
      bytes += run.bytes.length;
      if (entries > Math.min(maxEntries, MAX_FRAME_ENTRIES) || bytes > MAX_FRAME_BYTES) break;
      runs.push(run);
    }
    return rest === chunk.run && runs.length === 1 ? chunk : new Chunk(joinRuns(runs));
  }
}

/** Index of the first chunk that ends behind `seq`. */
function indexBehind(chunks: readonly Chunk[], seq: number): number {
  let low = 0;
  let high = chunks.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (lastSeq((chunks[middle] as Chunk).run) <= seq) low = middle + 1;
    else high = middle;
  }
  return low;
}
