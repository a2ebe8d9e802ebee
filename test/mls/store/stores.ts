import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Keyv } from 'keyv';
import type { KeyvStoreAdapter } from 'keyv';
import { onTestFinished } from 'vitest';
import { loadKeyvSqlite } from '../../../src/mls/store/keyv-sqlite.ts';

/** A directory that goes with the test. */
export function temporaryDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'skytale-store-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

/** Whether the optional package is there with its native module; the reason is printed if not. */
export const hasSqlite: boolean = (() => {
  try {
    loadKeyvSqlite();
    return true;
  } catch (error) {
    console.warn('Tests on @keyv/sqlite are skipped:', (error as Error).cause);
    return false;
  }
})();

/** What a test may reach of a store behind Keyv's back: `undefined` deletes. */
export interface RawStore {
  readonly keyv: Keyv;
  /** Another instance on the same data. */
  another(namespace: string): Keyv;
  keys(): Promise<string[]>;
  get(key: string): Promise<string | undefined>;
  put(key: string, value: string | undefined): Promise<void>;
}

export const NAMESPACE = 'skytale';

/** A store in memory that can be told to fail, and shows what is in it. */
export class MapStore implements KeyvStoreAdapter {
  readonly map: Map<string, string> = new Map();
  opts: undefined;
  namespace: string | undefined;
  /** Called before each operation; throws to make it fail. */
  before: (operation: 'get' | 'set' | 'delete', key: string) => void | Promise<void> = () => undefined;

  on(): this {
    return this;
  }

  async get<Value>(key: string): Promise<Value | undefined> {
    await this.before('get', key);
    return this.map.get(key) as Value | undefined;
  }

  async set(key: string, value: unknown): Promise<void> {
    await this.before('set', key);
    this.map.set(key, value as string);
  }

  async delete(key: string): Promise<boolean> {
    await this.before('delete', key);
    return this.map.delete(key);
  }

  clear(): Promise<void> {
    throw new Error('must not be called');
  }
}

export function memoryStore(store: MapStore = new MapStore()): RawStore & { readonly store: MapStore } {
  return {
    store,
    keyv: new Keyv({ store, namespace: NAMESPACE }),
    another: (namespace) => new Keyv({ store, namespace }),
    keys: () => Promise.resolve([...store.map.keys()]),
    get: (key) => Promise.resolve(store.map.get(key)),
    put(key, value) {
      if (value === undefined) store.map.delete(key);
      else store.map.set(key, value);
      return Promise.resolve();
    },
  };
}

/** A store on a real SQLite file, which is closed with the test. */
export function sqliteStore(file: string = join(temporaryDirectory(), 'test.sqlite')): RawStore {
  const store = new (loadKeyvSqlite())({ uri: `sqlite://${file}`, busyTimeout: 5000 });
  const adapter = store as unknown as {
    query(sql: string, ...parameters: unknown[]): Promise<{ key: string; value: string }[]>;
  };
  const disconnect = store.disconnect?.bind(store);
  let closing: Promise<void> | undefined;
  // A test may close it itself.
  store.disconnect = (): Promise<void> => (closing ??= Promise.resolve(disconnect?.()));
  onTestFinished(() => store.disconnect?.());
  return {
    keyv: new Keyv({ store, namespace: NAMESPACE }),
    another: (namespace) => new Keyv({ store, namespace }),
    keys: async () => (await adapter.query('SELECT key FROM keyv ORDER BY key')).map(({ key }) => key),
    get: async (key) => (await adapter.query('SELECT value FROM keyv WHERE key = ?', key))[0]?.value,
    async put(key, value) {
      if (value === undefined) await adapter.query('DELETE FROM keyv WHERE key = ?', key);
      else await adapter.query('INSERT OR REPLACE INTO keyv(key, value) VALUES (?, ?)', key, value);
    },
  };
}

/** A kind of store that the contracts are tested on. */
export interface StoreUnderTest {
  readonly name: string;
  /** A new, empty one. */
  readonly open: () => RawStore;
  readonly isThere: boolean;
}

/** The stores that every promise is tested on, and that need no server. */
export const stores: readonly StoreUnderTest[] = [
  { name: 'Keyv in memory', open: () => memoryStore(), isThere: true },
  { name: '@keyv/sqlite', open: () => sqliteStore(), isThere: hasSqlite },
];
