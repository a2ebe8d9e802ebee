import { hashKey } from './id-lot.ts';

/** 16 MiB. At ten million keys about two in a hundred that are not there look as if they were, at fifty million one in four. */
const BITS = 2 ** 27;
/** The two bits of a key lie in one line of the processor's cache: memory far away is what asking costs. */
const BLOCK_BITS = 512;
const BLOCK_WORDS = BLOCK_BITS / 32;

/** Tells of nearly all keys that were never added that they were not (a Bloom filter with two hashes, in blocks). */
export class IdFilter {
  readonly #words = new Uint32Array(BITS / 32);
  readonly #blockSeed: number;
  readonly #bitSeed: number;

  constructor(seed: number) {
    this.#blockSeed = seed ^ 0x51ed_270b;
    this.#bitSeed = seed ^ 0x2545_f491;
  }

  add(words: Uint32Array, from: number): void {
    const block = this.#blockOf(words, from);
    const bits = hashKey(words, from, this.#bitSeed);
    for (const bit of [bits % BLOCK_BITS, (bits >>> 16) % BLOCK_BITS]) {
      const word = block + (bit >>> 5);
      this.#words[word] = (this.#words[word] as number) | (1 << (bit & 31));
    }
  }

  mayHave(words: Uint32Array, from: number): boolean {
    const block = this.#blockOf(words, from);
    const bits = hashKey(words, from, this.#bitSeed);
    return this.#has(block, bits % BLOCK_BITS) && this.#has(block, (bits >>> 16) % BLOCK_BITS);
  }

  /** Where the block of a key starts. */
  #blockOf(words: Uint32Array, from: number): number {
    return (hashKey(words, from, this.#blockSeed) % (BITS / BLOCK_BITS)) * BLOCK_WORDS;
  }

  #has(block: number, bit: number): boolean {
    return ((this.#words[block + (bit >>> 5)] as number) & (1 << (bit & 31))) !== 0;
  }
}
