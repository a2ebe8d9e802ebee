import { randomBytes } from 'node:crypto';
import { decodeKeyTable, encodeKeyTable } from './key-table-encoding.ts';
import { newProtection } from './key-protection.ts';
import type { KeyProtection } from './key-protection.ts';
import { AGENT_KEY } from './records.ts';
import type { KeyId, RecordKeys } from './records.ts';
import { SerialQueue } from './serial-queue.ts';
import type { StateKey } from './state-key.ts';
import { storeDamaged } from './store-errors.ts';
import { Xaes } from './xaes.ts';

const KEY_LENGTH = 32;
/** The owner of {@link AGENT_KEY}. */
const AGENT = '';

/** Where a key table is kept, as one value. */
export interface KeyTableStorage {
  /** What errors call it. */
  readonly name: string;
  read(): Promise<Uint8Array | undefined>;
  /** Replaces the value: as a whole or not at all, durable when it resolves, and leaving nothing of the old one. */
  write(bytes: Uint8Array): Promise<void>;
}

/**
 * The keys of all records, in one small value. To erase a key is to write the table without it; to change the state key
 * is to write the table once under another. Changes that wait at the same time share a write.
 */
export class KeyTable implements RecordKeys {
  readonly #storage: KeyTableStorage;
  #protection: KeyProtection;
  #nextId: KeyId;
  readonly #owners: Map<string, Map<KeyId, Uint8Array>>;
  readonly #ciphers = new Map<KeyId, Xaes>();
  readonly #writes = new SerialQueue();
  #waiting: Promise<void> | undefined;
  /** Counts changes in memory, and which of them are in the storage. */
  #changes = 0;
  #stored = 0;

  private constructor(
    storage: KeyTableStorage,
    protection: KeyProtection,
    nextId: KeyId,
    owners: Map<string, Map<KeyId, Uint8Array>>,
  ) {
    this.#storage = storage;
    this.#protection = protection;
    this.#nextId = nextId;
    this.#owners = owners;
  }

  /**
   * Reads the table, or makes one where the store is new.
   *
   * @throws {@link RuntimeError} `state_key_wrong`; `store_damaged` if the store is not new and the table is gone
   */
  static async open(storage: KeyTableStorage, key: StateKey | undefined, isNewStore: boolean): Promise<KeyTable> {
    const bytes = await storage.read();
    if (bytes === undefined) {
      if (!isNewStore) throw storeDamaged(storage.name, 'is missing');
      const table = new KeyTable(storage, await newProtection(key), AGENT_KEY, new Map());
      await table.prepare(AGENT);
      return table;
    }
    const { contents, protection } = await decodeKeyTable(storage.name, bytes, key);
    const owners = new Map([...contents.owners].map(([owner, keys]) => [owner, new Map(keys)] as const));
    return new KeyTable(storage, protection, contents.nextId, owners);
  }

  /** The cipher of a key, `undefined` if it was erased. */
  cipherOf(id: KeyId): Xaes | undefined {
    let cipher = this.#ciphers.get(id);
    if (cipher !== undefined) return cipher;
    for (const keys of this.#owners.values()) {
      const key = keys.get(id);
      if (key === undefined) continue;
      this.#ciphers.set(id, (cipher = new Xaes(key)));
      return cipher;
    }
    return undefined;
  }

  async prepare(owner: string): Promise<KeyId> {
    const newest = [...(this.#owners.get(owner)?.keys() ?? [])].at(-1);
    const id = newest ?? this.#addKey(owner);
    await this.#flush();
    return id;
  }

  async advance(owner: string, key: KeyId): Promise<void> {
    const keys = this.#owners.get(owner);
    if (keys === undefined) return;
    for (const id of keys.keys()) if (id < key) this.#dropKey(keys, id);
    if ([...keys.keys()].at(-1) === key) this.#addKey(owner);
    await this.#flush();
  }

  async erase(owner: string): Promise<void> {
    const keys = this.#owners.get(owner);
    if (keys !== undefined) {
      for (const id of keys.keys()) this.#dropKey(keys, id);
      this.#owners.delete(owner);
    }
    await this.#flush();
  }

  /** Puts the table under another state key, in one write. The old one is refused from then on. */
  async changeStateKey(key: StateKey): Promise<void> {
    const protection = await newProtection(key);
    await this.#writes.run(async () => {
      const changes = this.#changes;
      await this.#storage.write(this.#encode(protection));
      this.#protection = protection;
      this.#stored = changes;
    });
  }

  #addKey(owner: string): KeyId {
    const id = this.#nextId;
    this.#nextId += 1;
    const keys = this.#owners.get(owner) ?? new Map<KeyId, Uint8Array>();
    this.#owners.set(owner, keys.set(id, new Uint8Array(randomBytes(KEY_LENGTH))));
    this.#changes += 1;
    return id;
  }

  #dropKey(keys: Map<KeyId, Uint8Array>, id: KeyId): void {
    keys.get(id)?.fill(0);
    keys.delete(id);
    this.#ciphers.delete(id);
    this.#changes += 1;
  }

  /** Resolves when all changes so far are stored; those of a write that failed go with the next. */
  #flush(): Promise<void> {
    if (this.#stored >= this.#changes) return Promise.resolve();
    this.#waiting ??= this.#writes.run(async () => {
      this.#waiting = undefined;
      const changes = this.#changes;
      if (this.#stored >= changes) return;
      await this.#storage.write(this.#encode(this.#protection));
      this.#stored = changes;
    });
    return this.#waiting;
  }

  #encode(protection: KeyProtection): Uint8Array {
    return encodeKeyTable({ nextId: this.#nextId, owners: this.#owners }, protection);
  }
}
