import type { Random } from '../../base/random.ts';

/**
 * Randomness that follows from a seed (mulberry32): the same numbers in every run. For simulations and tests alone, and never
 * for keys.
 *
 * @example
 * assert.equal(new SeededRandom(7).fraction(), new SeededRandom(7).fraction());
 */
export class SeededRandom implements Random {
  #state: number;

  /** @param seed a whole number, of which 32 bits count */
  constructor(seed: number) {
    this.#state = seed | 0;
  }

  fraction(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  bytes(length: number): Uint8Array {
    return Uint8Array.from({ length }, () => Math.floor(this.fraction() * 256));
  }

  /** A whole number from `min` to `max`, both included. */
  between(min: number, max: number): number {
    return min + Math.floor(this.fraction() * (max - min + 1));
  }

  /** One of `choices`, of which there must be some. */
  pick<T>(choices: readonly T[]): T {
    return choices[this.between(0, choices.length - 1)] as T;
  }

  /** Randomness of its own for somebody else, so that how much one draws does not change what the other gets. */
  fork(): SeededRandom {
    return new SeededRandom(Math.floor(this.fraction() * 2 ** 32));
  }
}
