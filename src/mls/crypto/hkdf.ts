import { hash } from 'node:crypto';
import { own } from './bytes.ts';

/** The hash functions that cipher suites use. */
export type HashName = 'sha256' | 'sha512';

const SIZES: Readonly<Record<HashName, { readonly hash: number; readonly block: number }>> = {
  sha256: { hash: 32, block: 64 },
  sha512: { hash: 64, block: 128 },
};

/** Longer than the inputs of the key schedule are, but for a few. */
const SCRATCH_BYTES = 512;
const EMPTY = new Uint8Array(0);
const FIRST = Uint8Array.of(1);

/** A hash function with the MAC (RFC 2104) and the key derivation (RFC 5869) that are built on it. */
export class Hkdf {
  /** Bytes of a hash, a MAC and a pseudorandom key. */
  readonly size: number;
  readonly #blockBytes: number;
  readonly #name: HashName;
  /*
   * Inputs of the two hashes of a MAC. A typed array of that size is memory outside of the heap, which costs more to get
   * and to give back than hashing it; nothing runs between filling these and clearing them.
   */
  readonly #inner: Uint8Array = new Uint8Array(SCRATCH_BYTES);
  readonly #outer: Uint8Array;

  constructor(name: HashName) {
    this.#name = name;
    this.size = SIZES[name].hash;
    this.#blockBytes = SIZES[name].block;
    this.#outer = new Uint8Array(SIZES[name].block + SIZES[name].hash);
  }

  digest(data: Uint8Array): Uint8Array {
    return own(hash(this.#name, data, 'buffer'));
  }

  /** The MAC of `data`. */
  mac(key: Uint8Array, data: Uint8Array): Uint8Array {
    return this.#mac(key, data, EMPTY, EMPTY);
  }

  /** HKDF-Extract. */
  extract(salt: Uint8Array, keyMaterial: Uint8Array): Uint8Array {
    return this.#mac(salt, keyMaterial, EMPTY, EMPTY);
  }

  /**
   * HKDF-Expand.
   *
   * @throws RangeError for more than 255 blocks.
   */
  expand(key: Uint8Array, info: Uint8Array, length: number): Uint8Array {
    if (length > 255 * this.size) throw new RangeError(`HKDF cannot expand to ${length} bytes.`);
    let block = this.#mac(key, EMPTY, info, FIRST);
    // One block is enough for nearly everything, and all of it for most.
    if (length === this.size) return block;
    if (length < this.size) return block.slice(0, length);
    const output = new Uint8Array(length);
    output.set(block);
    for (let offset = this.size, counter = 2; offset < length; offset += this.size, counter++) {
      block = this.#mac(key, block, info, Uint8Array.of(counter));
      output.set(block.subarray(0, length - offset), offset);
    }
    return output;
  }

  /**
   * HMAC of three parts, as two one-shot hashes: a `createHmac` object costs half as much again, and everything in the
   * key schedule comes down to this.
   */
  #mac(key: Uint8Array, first: Uint8Array, second: Uint8Array, third: Uint8Array): Uint8Array {
    const block = this.#blockBytes;
    const short = key.length > block ? this.digest(key) : key;
    const length = block + first.length + second.length + third.length;
    const inner = length <= SCRATCH_BYTES ? this.#inner.subarray(0, length) : new Uint8Array(length);
    const outer = this.#outer;
    // An index, not an iterator: this loop runs a dozen times a message.
    for (let index = 0; index < short.length; index++) {
      const byte = short[index] ?? 0;
      inner[index] = byte ^ 0x36;
      outer[index] = byte ^ 0x5c;
    }
    inner.fill(0x36, short.length, block);
    outer.fill(0x5c, short.length, block);
    inner.set(first, block);
    inner.set(second, block + first.length);
    inner.set(third, block + first.length + second.length);
    outer.set(hash(this.#name, inner, 'buffer'), block);
    const mac = own(hash(this.#name, outer, 'buffer'));
    // What is left in them would do in place of the key.
    inner.fill(0);
    outer.fill(0);
    return mac;
  }
}
