import { hashKey } from './id-lot.ts';

/** 16 MiB. At ten million keys two in a hundred that are not there look as if they were, at fifty million one in four. */
const BITS = 2 ** 27;

/** Tells of nearly all keys that were never added that they were not (a Bloom filter with two hashes). */
export class IdFilter {
  readonly #bits = new Uint32Array(BITS / 32);
  readonly #seeds: readonly [number, number];

  constructor(seed: number) {
    this.#seeds = [seed ^ 0x51ed_270b, seed ^ 0x2545_f491];
  }

  add(words: Uint32Array, from: number): void {
    for (const seed of this.#seeds) {
      const bit = hashKey(words, from, seed) % BITS;
      this.#bits[bit >>> 5] = (this.#bits[bit >>> 5] as number) | (1 << (bit & 31));
    }
  }

  mayHave(words: Uint32Array, from: number): boolean {
    return this.#seeds.every((seed) => {
      const bit = hashKey(words, from, seed) % BITS;
      return ((this.#bits[bit >>> 5] as number) & (1 << (bit & 31))) !== 0;
    });
  }
}
