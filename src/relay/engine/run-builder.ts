import type { EntryWriter } from './entry-codec.ts';
import type { EntryRun } from './entry-run.ts';

/** Collects the entries of one channel that are written one behind the other. */
export class RunBuilder {
  readonly writer: EntryWriter;
  readonly seqs: number[] = [];
  /** Key packages for which a Welcome was stored with it. */
  readonly welcomeRefs: Uint8Array[] = [];
  readonly #ends: number[] = [];
  readonly #start: number;
  readonly #prevSeq: number;

  constructor(writer: EntryWriter, prevSeq: number) {
    this.writer = writer;
    this.#start = writer.offset;
    this.#prevSeq = prevSeq;
  }

  /** To be called after each entry that was written. */
  add(seq: number): void {
    this.seqs.push(seq);
    this.#ends.push(this.writer.offset - this.#start);
  }

  /** The run of all that was added. */
  finish(): EntryRun {
    const bytes = this.writer.buffer.subarray(this.#start, this.writer.offset);
    return { bytes, seqs: this.seqs, ends: this.#ends, prevSeq: this.#prevSeq };
  }
}
