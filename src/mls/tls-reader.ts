/**
 * Reads the TLS presentation language as MLS uses it (RFC 9420 §2.1), the inverse of {@link TlsWriter}. What it returns are
 * views of the bytes. It never fails: where the bytes end early, or a length is not written in the shortest way, it reads
 * nothing any more and has overrun for good. So it is enough to look at the end.
 */
export class TlsReader {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  /** Whether something was not there that was read. */
  get hasOverrun(): boolean {
    return this.#at > this.#bytes.length;
  }

  /** Whether all was there that was read, and nothing is left. */
  get isAtEnd(): boolean {
    return this.#at === this.#bytes.length;
  }

  /** What is left. */
  rest(): Uint8Array {
    return this.#bytes.subarray(this.#at);
  }

  uint8(): number {
    return this.#bytes[this.#at++] ?? 0;
  }

  uint32(): number {
    return ((this.uint8() << 24) | (this.uint8() << 16) | (this.uint8() << 8) | this.uint8()) >>> 0;
  }

  uint64(): bigint {
    return (BigInt(this.uint32()) << 32n) | BigInt(this.uint32());
  }

  /** So many bytes. */
  raw(length: number): Uint8Array {
    const start = this.#at;
    this.#at += length;
    return this.hasOverrun ? NOTHING : this.#bytes.subarray(start, this.#at);
  }

  /** Bytes with their length before them: `opaque data<V>`. */
  vector(): Uint8Array {
    return this.raw(this.#length());
  }

  #length(): number {
    const first = this.uint8();
    const short = first & 0x3f;
    switch (first >> 6) {
      case 0:
        return short;
      case 1:
        return this.#atLeast(2 ** 6, (short << 8) | this.uint8());
      case 2:
        return this.#atLeast(2 ** 14, (short << 24) | (this.uint8() << 16) | (this.uint8() << 8) | this.uint8());
      default:
        return Infinity;
    }
  }

  /** A length that would have had room in fewer bytes is none (RFC 9420 §2.1.2). */
  #atLeast(least: number, length: number): number {
    return length < least ? Infinity : length;
  }
}

const NOTHING = new Uint8Array(0);
