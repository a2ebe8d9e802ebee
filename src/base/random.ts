import { randomBytes } from 'node:crypto';

/** Randomness that may be seeded in tests: ids and jitter. Key material never comes from here. */
export interface Random {
  /** `length` fresh bytes. */
  bytes(length: number): Uint8Array;
  /** A number in [0, 1). */
  fraction(): number;
}

/** The machine's cryptographic randomness. */
export const systemRandom: Random = {
  bytes: (length) => new Uint8Array(randomBytes(length)),
  fraction: () => randomBytes(6).readUIntBE(0, 6) / 2 ** 48,
};
