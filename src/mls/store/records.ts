import type { KeyvRecords } from './keyv-records.ts';

/** Names a key that records are encrypted with, or would be: see {@link RecordKeys}. */
export type KeyId = number;

/** The key of what belongs to the agent as a whole. It is never erased. */
export const AGENT_KEY: KeyId = 1;

/** The record that says which format the store has. It holds nothing else, and anyone may read it. */
export const FORMAT_KEY = 'format';

/** A record as it was found. */
export interface FoundRecord {
  readonly bytes: Uint8Array;
  readonly key: KeyId;
}

/**
 * Keys that can be erased, by owners: what was written under an erased key cannot be read any more, wherever a copy of it
 * has been left behind. That is needed because no database erases what it deletes: SQLite with `secure_delete` leaves
 * copies of rows in the unused parts of pages when it moves rows from one page to another.
 *
 * An owner has the key that its records are written under, and a successor, which is durable before it is needed.
 */
export interface RecordKeys {
  /** The key for the next record that replaces all before it. Durable when it resolves. */
  prepare(owner: string): Promise<KeyId>;
  /** Erases the owner's keys that are older than `key`. Gone from the disk when it resolves. */
  advance(owner: string, key: KeyId): Promise<void>;
  /** Erases all keys of the owner. Gone from the disk when it resolves. */
  erase(owner: string): Promise<void>;
}

/** Byte records under names, each under a key. What {@link KeyvRecords} promises holds here, too. */
export interface Records {
  readonly keys: RecordKeys;
  /** The record, or `undefined` if there is none or its key was erased. */
  get(name: string): Promise<FoundRecord | undefined>;
  getMany(names: readonly string[]): Promise<(FoundRecord | undefined)[]>;
  set(name: string, bytes: Uint8Array, key: KeyId): Promise<void>;
  deleteMany(names: readonly string[]): Promise<void>;
}

/** Records as they are, on a store without keys: what is deleted is gone as far as the store says so. */
export function plainRecords(records: KeyvRecords): Records {
  const found = (bytes: Uint8Array | undefined): FoundRecord | undefined => bytes && { bytes, key: AGENT_KEY };
  return {
    keys: {
      prepare: () => Promise.resolve(AGENT_KEY),
      advance: () => Promise.resolve(),
      erase: () => Promise.resolve(),
    },
    get: async (name) => found(await records.get(name)),
    getMany: async (names) => (await records.getMany(names)).map(found),
    set: (name, bytes) => records.set(name, bytes),
    deleteMany: (names) => records.deleteMany(names),
  };
}
