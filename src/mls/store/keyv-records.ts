import type { Keyv, KeyvStoreAdapter } from 'keyv';
import { RuntimeError } from '../../base/errors.ts';
import { storeDamaged, storeError } from './store-errors.ts';

/**
 * Byte records under names, on any Keyv store.
 *
 * - A write that resolves is in the store; one that fails rejects with `store_error`, never with `false`.
 * - Writes to one name land in the order of the calls; a read sees every write that was called before it.
 * - A read never takes an error for "not there". A value that is no byte string is `store_damaged`.
 * - Names are encoded so that no two meet, whatever the store's collation and the namespace are.
 *
 * What it does not offer is left out on purpose: `clear` and the iterators of Keyv stores reach into neighbouring
 * namespaces or skip entries, and writing several names at once is not atomic.
 */
export class KeyvRecords {
  readonly #keyv: Keyv;
  /** By name, what resolves (and never rejects) when the last write that was called is over. */
  readonly #lastWrites = new Map<string, Promise<void>>();

  /** Takes the instance over: `throwOnErrors` is switched on, there and at its store, and stays. Entries never expire, whatever its `ttl` is. */
  constructor(keyv: Keyv) {
    if (keyv.serialize === undefined || keyv.deserialize === undefined) {
      throw new RuntimeError('invalid_argument', 'Expected `keyv` to have `serialize` and `deserialize`, got none.');
    }
    keyv.throwOnErrors = true;
    // `@keyv/redis` has a switch of its own: without it, a write that failed is acknowledged, and what it could not read
    // is not there.
    const store = keyv.store as { throwOnErrors?: unknown };
    if ('throwOnErrors' in store) store.throwOnErrors = true;
    this.#keyv = keyv;
  }

  /** The record, or `undefined` if there is none. */
  async get(name: string): Promise<Uint8Array | undefined> {
    const [bytes] = await this.getMany([name]);
    return bytes;
  }

  /** The records in the order of `names`, `undefined` for each that is not there. */
  async getMany(names: readonly string[]): Promise<(Uint8Array | undefined)[]> {
    await this.#writesTo(names);
    const entries = await this.#read(names);
    return entries.map((entry, index) => decodeEntry(names[index] ?? '', entry));
  }

  /** Writes the record, in the place of one that was there. */
  set(name: string, bytes: Uint8Array): Promise<void> {
    // One base64 string: a Uint8Array would come back as an object with numbers for keys.
    const value = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64');
    return this.#write([name], `write record ${name}`, async () => {
      // Time to live 0 overrides that of the instance: a key that expires is a lost channel.
      if (!(await this.#keyv.set(encodeName(name), value, 0))) throw new Error('the store answered false');
    });
  }

  /** Deletes the record, if it is there. */
  delete(name: string): Promise<void> {
    return this.deleteMany([name]);
  }

  /** Deletes the records that are there. Not atomic: after an error some may be gone. */
  async deleteMany(names: readonly string[]): Promise<void> {
    if (names.length === 0) return;
    const what = names.length === 1 ? `delete record ${names[0]}` : `delete ${names.length} records`;
    await this.#write(names, what, async () => {
      await this.#keyv.deleteMany(names.map(encodeName));
    });
  }

  /** Resolves when all writes that were called so far are over. */
  async idle(): Promise<void> {
    await Promise.all(this.#lastWrites.values());
  }

  async #read(names: readonly string[]): Promise<unknown[]> {
    const keys = names.map(encodeName);
    const what = names.length === 1 ? `read record ${names[0]}` : `read ${names.length} records`;
    try {
      // On a store without `getMany`, Keyv's own answers `undefined` for every key whose reading failed.
      // `getRaw` rather than `get`: the latter cannot tell a missing row from one without a value.
      if (names.length === 1 || (this.#keyv.store as KeyvStoreAdapter).getMany === undefined) {
        return await Promise.all(keys.map((key) => this.#keyv.getRaw(key)));
      }
      const entries = await this.#keyv.getManyRaw(keys);
      if (entries.length !== names.length) throw new Error('the store answered with another number of records');
      return entries;
    } catch (error) {
      if (error instanceof SyntaxError) {
        if (names.length === 1) throw storeDamaged(`${names[0]}`, 'is unreadable', error);
        // One by one, to say which it is.
        return (await Promise.all(names.map((name) => this.#read([name])))).flat();
      }
      throw storeError(what, error);
    }
  }

  /** Runs `task` after all writes to these names that were called before. */
  #write(names: readonly string[], what: string, task: () => Promise<void>): Promise<void> {
    const write = this.#writesTo(names)
      .then(task)
      .catch((error: unknown) => {
        throw storeError(what, error);
      });
    const forget = (): void => this.#forget(names, over);
    const over: Promise<void> = write.then(forget, forget);
    for (const name of names) this.#lastWrites.set(name, over);
    return write;
  }

  async #writesTo(names: readonly string[]): Promise<void> {
    await Promise.all(names.flatMap((name) => this.#lastWrites.get(name) ?? []));
  }

  #forget(names: readonly string[], write: Promise<void>): void {
    for (const name of names) if (this.#lastWrites.get(name) === write) this.#lastWrites.delete(name);
  }
}

function decodeEntry(name: string, entry: unknown): Uint8Array | undefined {
  if (entry === undefined) return undefined;
  const value = typeof entry === 'object' && entry !== null && 'value' in entry ? entry.value : undefined;
  if (typeof value !== 'string') throw storeDamaged(name, 'is no byte string');
  return new Uint8Array(Buffer.from(value, 'base64'));
}

/**
 * The key for a name: `a-z`, `0-9`, `.` and `-` as they are, any other character as `_` and four hex digits. No colon, so
 * that no key begins like a namespace; no upper case, because some stores compare without it.
 */
function encodeName(name: string): string {
  return name.replace(/[^a-z0-9.-]/g, (character) => `_${character.charCodeAt(0).toString(16).padStart(4, '0')}`);
}
