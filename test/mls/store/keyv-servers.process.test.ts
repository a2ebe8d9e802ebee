import KeyvPostgres from '@keyv/postgres';
import KeyvRedis from '@keyv/redis';
import { Keyv } from 'keyv';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { KeyvRecords } from '../../../src/mls/store/keyv-records.ts';
import { agentStoreContract } from './agent-store-contract.ts';
import { recordsContract } from './records-contract.ts';
import { postgresServer, redisServer, startPostgres, startRedis } from './servers.ts';
import type { TestServer } from './servers.ts';
import { NAMESPACE } from './stores.ts';
import type { RawStore } from './stores.ts';

const one = Uint8Array.of(1);

/** One call of each kind. */
const callsOn = (records: KeyvRecords): readonly (() => Promise<unknown>)[] => [
  () => records.set('a', one),
  () => records.get('a'),
  () => records.getMany(['a', 'b']),
  () => records.delete('a'),
];

interface Commands {
  keys(pattern: string): Promise<string[]>;
  get(key: string): Promise<string | null>;
  set(key: string, value: string): Promise<unknown>;
  del(key: string): Promise<number>;
}

describe.runIf(redisServer !== undefined)('on a Redis server', () => {
  let server: TestServer;
  let databases = 0;
  beforeAll(async () => void (server = await startRedis()));
  afterAll(() => server.stop());

  /** A database of its own, closed with the test. */
  function open(): RawStore {
    const uri = `redis://127.0.0.1:${server.port}/${databases++}`;
    const connect = (): KeyvRedis<unknown> => {
      const connected = new KeyvRedis(uri);
      onTestFinished(() => connected.disconnect(true));
      return connected;
    };
    const adapter = connect();
    /** The commands that this file uses; the adapter's type is that of a single server, a cluster or a sentinel. */
    const client = (): Promise<Commands> => adapter.getClient();
    // The adapter puts the namespace in front of the key that Keyv has put it in front of.
    const prefix = `${NAMESPACE}::`;
    return {
      keyv: new Keyv({ store: adapter, namespace: NAMESPACE, emitErrors: false }),
      // Not on the same adapter: Keyv tells it the namespace, and the last one told counts.
      another: (namespace) => new Keyv({ store: connect(), namespace }),
      keys: async () => (await (await client()).keys('*')).map((key) => key.slice(prefix.length)).sort(),
      get: async (key) => (await (await client()).get(prefix + key)) ?? undefined,
      async put(key, value) {
        if (value === undefined) await (await client()).del(prefix + key);
        else await (await client()).set(prefix + key, value);
      },
    };
  }

  recordsContract({ name: '@keyv/redis', open, isThere: true });
  agentStoreContract({ name: '@keyv/redis', open, isThere: true });
});

describe.runIf(redisServer !== undefined)('a Redis server that is gone', () => {
  test('makes every call reject: no write is acknowledged, nothing is "not there"', async () => {
    const server = await startRedis();
    const adapter = new KeyvRedis(
      { url: `redis://127.0.0.1:${server.port}`, socket: { reconnectStrategy: false }, disableOfflineQueue: true },
      { throwOnConnectError: false },
    );
    onTestFinished(() => adapter.disconnect(true));
    const records = new KeyvRecords(new Keyv({ store: adapter, namespace: NAMESPACE, emitErrors: false }));
    await records.set('a', one);
    await server.stop();
    for (const call of callsOn(records)) await expect(call()).rejects.toMatchObject({ code: 'store_error' });
  });
});

describe.runIf(postgresServer !== undefined)('on a PostgreSQL server', () => {
  let server: TestServer;
  let tables = 0;
  let last: KeyvPostgres | undefined;
  beforeAll(async () => void (server = await startPostgres()));
  afterAll(async () => {
    // The adapter's connections are one pool for the whole process.
    await last?.disconnect();
    await server.stop();
  });

  /** A table of its own. */
  function open(): RawStore {
    const table = `store${tables++}`;
    const uri = `postgresql://postgres@127.0.0.1:${server.port}/postgres`;
    const adapter = (last = new KeyvPostgres({ uri, table, max: 5 }));
    const rows = (sql: string, ...values: unknown[]): Promise<{ key: string; value: string }[]> =>
      adapter.query(sql, values) as Promise<{ key: string; value: string }[]>;
    return {
      keyv: new Keyv({ store: adapter, namespace: NAMESPACE, emitErrors: false }),
      another: (namespace) => new Keyv({ store: adapter, namespace }),
      keys: async () => (await rows(`SELECT key FROM ${table} ORDER BY key COLLATE "C"`)).map(({ key }) => key),
      get: async (key) => (await rows(`SELECT value FROM ${table} WHERE key = $1`, key))[0]?.value,
      async put(key, value) {
        await rows(`DELETE FROM ${table} WHERE key = $1`, key);
        if (value !== undefined) await rows(`INSERT INTO ${table}(key, value) VALUES ($1, $2)`, key, value);
      },
    };
  }

  recordsContract({ name: '@keyv/postgres', open, isThere: true });
  agentStoreContract({ name: '@keyv/postgres', open, isThere: true });

  test('a call that the server refuses rejects', async () => {
    const raw = open();
    const records = new KeyvRecords(raw.keyv);
    await records.set('a', one);
    await (raw.keyv.store as KeyvPostgres).query(`DROP TABLE store${tables - 1}`);
    for (const call of callsOn(records)) await expect(call()).rejects.toMatchObject({ code: 'store_error' });
  });
});
