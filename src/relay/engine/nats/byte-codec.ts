import { RuntimeError } from '../../../base/errors.ts';

/** Writes numbers and byte strings one behind the other into a buffer that grows. */
export class ByteWriter {
  #buffer: Buffer;
  #offset = 0;

  constructor(capacity = 256) {
    this.#buffer = Buffer.allocUnsafe(capacity);
  }

  /** All that was written. Shares memory with the writer. */
  finish(): Uint8Array {
    return this.#buffer.subarray(0, this.#offset);
  }

  /** A whole number from 0 to 2^53 - 1, in base 128. */
  varint(value: number): void {
    this.#reserve(8);
    let rest = value;
    while (rest >= 0x80) {
      this.#buffer[this.#offset++] = rest % 0x80 | 0x80;
      rest = Math.floor(rest / 0x80);
    }
    this.#buffer[this.#offset++] = rest;
  }

  /** Bytes behind their length. */
  bytes(bytes: Uint8Array): void {
    this.varint(bytes.length);
    this.raw(bytes);
  }

  /** Bytes alone, whose length the reader knows. */
  raw(bytes: Uint8Array): void {
    this.#reserve(bytes.length);
    this.#buffer.set(bytes, this.#offset);
    this.#offset += bytes.length;
  }

  /** Text behind its length in UTF-8. */
  text(text: string): void {
    this.bytes(Buffer.from(text, 'utf8'));
  }

  /** Characters below 256 as one byte each, whose number the reader knows. */
  latin1(text: string): void {
    this.#reserve(text.length);
    this.#offset += this.#buffer.write(text, this.#offset, 'latin1');
  }

  /** Numbers that rise, as their count and their distances. */
  rising(numbers: readonly number[]): void {
    this.varint(numbers.length);
    let last = 0;
    for (const number of numbers) {
      this.varint(number - last);
      last = number;
    }
  }

  #reserve(length: number): void {
    if (this.#offset + length <= this.#buffer.length) return;
    const larger = Buffer.allocUnsafe(Math.max(2 * this.#buffer.length, this.#offset + length));
    larger.set(this.#buffer.subarray(0, this.#offset));
    this.#buffer = larger;
  }
}

/** Reads what a {@link ByteWriter} wrote. Byte strings are views. Each method throws `store_damaged` at the end of input. */
export class ByteReader {
  readonly #bytes: Buffer;
  #offset = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get isAtEnd(): boolean {
    return this.#offset === this.#bytes.length;
  }

  varint(): number {
    let value = 0;
    let factor = 1;
    for (let count = 0; count < 8; count += 1) {
      const byte = this.#bytes[this.#offset++];
      if (byte === undefined) break;
      value += (byte & 0x7f) * factor;
      if (byte < 0x80) {
        if (Number.isSafeInteger(value)) return value;
        break;
      }
      factor *= 0x80;
    }
    throw damaged();
  }

  bytes(): Uint8Array {
    return this.raw(this.varint());
  }

  raw(length: number): Uint8Array {
    if (this.#offset + length > this.#bytes.length) throw damaged();
    const view = this.#bytes.subarray(this.#offset, this.#offset + length);
    this.#offset += length;
    return view;
  }

  latin1(length: number): string {
    return (this.raw(length) as Buffer).toString('latin1');
  }

  text(): string {
    return (this.bytes() as Buffer).toString('utf8');
  }

  rising(): number[] {
    let last = 0;
    return this.list(() => (last += this.varint()));
  }

  /** As many items as the number in front of them says. */
  list<Item>(read: () => Item): Item[] {
    const count = this.varint();
    // Every item takes at least a byte: a damaged count must not make an array of its size.
    if (count > this.#bytes.length - this.#offset) throw damaged();
    return Array.from({ length: count }, read);
  }
}

function damaged(): RuntimeError {
  return new RuntimeError('store_damaged', 'a record of the log is not what a relay writes');
}
