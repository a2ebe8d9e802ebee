/** What a store needs to know of an entry that it holds as bytes. */
export interface EntryHead {
  readonly seq: number;
  readonly prevSeq: number;
  /** A view. */
  readonly messageId: Uint8Array;
}

const TAG_ENTRIES = 0x12;
const TAG_SEQ = 0x08;
const TAG_PREV_SEQ = 0x10;
const TAG_KIND = 0x18;
const TAG_EPOCH = 0x20;
const TAG_MESSAGE_ID = 0x2a;

/**
 * Reads the bytes of a run: what {@link EntryWriter} wrote, with fields in the order of their numbers. Only for bytes
 * whose checksum was right.
 */
export class EntryReader {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  /** Where each entry ends. @throws RangeError if the bytes are no run. */
  ends(): number[] {
    const ends: number[] = [];
    for (this.#at = 0; this.#at < this.#bytes.length; ) {
      this.#at = this.#open();
      ends.push(this.#at);
    }
    if (this.#at !== this.#bytes.length) throw new RangeError('The last entry of a run is cut off.');
    return ends;
  }

  /** The head of the entry that lies at `offset`: 0, or where another entry ends. @throws RangeError if there is none. */
  head(offset: number): EntryHead {
    this.#at = offset;
    this.#open();
    const seq = this.#number(TAG_SEQ);
    const prevSeq = this.#number(TAG_PREV_SEQ);
    this.#number(TAG_KIND);
    this.#number(TAG_EPOCH);
    const length = this.#number(TAG_MESSAGE_ID);
    return { seq, prevSeq, messageId: this.#bytes.subarray(this.#at, this.#at + length) };
  }

  /** Steps into the entry; returns where it ends. */
  #open(): number {
    if (this.#bytes[this.#at++] !== TAG_ENTRIES) throw new RangeError('There is no entry of a run here.');
    const length = this.#varint();
    return this.#at + length;
  }

  /** The value of a varint field, or the length of a bytes field; 0 if it is left out. */
  #number(tag: number): number {
    if (this.#bytes[this.#at] !== tag) return 0;
    this.#at += 1;
    return this.#varint();
  }

  #varint(): number {
    let value = 0;
    for (let factor = 1; ; factor *= 0x80) {
      const byte = this.#bytes[this.#at++];
      if (byte === undefined) throw new RangeError('A run is cut off.');
      value += (byte & 0x7f) * factor;
      if (byte < 0x80) return value;
    }
  }
}
