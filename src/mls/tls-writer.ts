/**
 * Writes the TLS presentation language as MLS uses it (RFC 9420 §2.1) into memory that was measured before. Byte by byte,
 * without a DataView: to give one to a small array, the engine first moves the array out of its heap, at many times the
 * price of filling it.
 */
export class TlsWriter {
  readonly #bytes: Uint8Array;
  #at = 0;

  /** @param length bytes of all that will be written; what is not written stays zero */
  constructor(length: number) {
    this.#bytes = new Uint8Array(length);
  }

  uint8(value: number): this {
    this.#bytes[this.#at++] = value;
    return this;
  }

  uint16(value: number): this {
    return this.uint8(value >>> 8).uint8(value);
  }

  uint32(value: number): this {
    return this.uint16(value >>> 16).uint16(value);
  }

  uint64(value: bigint): this {
    return this.uint32(Number(value >> 32n)).uint32(Number(value & 0xffff_ffffn));
  }

  /** Bytes as they are. */
  raw(bytes: Uint8Array): this {
    this.#bytes.set(bytes, this.#at);
    this.#at += bytes.length;
    return this;
  }

  /** A length of its own size, as it stands before a vector (RFC 9420 §2.1.2). */
  length(length: number): this {
    const size = lengthBytes(length);
    if (size === 1) return this.uint8(length);
    return size === 2 ? this.uint16(length + 0x4000) : this.uint32(length + 0x8000_0000);
  }

  /** Bytes with their length before them: `opaque data<V>`. */
  vector(bytes: Uint8Array): this {
    return this.length(bytes.length).raw(bytes);
  }

  /** All of the memory. */
  finish(): Uint8Array {
    return this.#bytes;
  }
}

/** Bytes that {@link TlsWriter.vector} takes for a vector of so many. */
export function vectorBytes(length: number): number {
  return lengthBytes(length) + length;
}

/** Bytes of a length: its two highest bits tell which of three sizes it has. */
function lengthBytes(length: number): 1 | 2 | 4 {
  if (length < 2 ** 6) return 1;
  if (length < 2 ** 14) return 2;
  if (length < 2 ** 30) return 4;
  throw new RangeError('A vector has fewer than 2 ** 30 bytes.');
}
