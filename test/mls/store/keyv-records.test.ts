import { Keyv } from 'keyv';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { KeyvRecords } from '../../../src/mls/store/keyv-records.ts';
import { bytesOf } from './fake-groups.ts';
import { hasSqlite, MapStore, memoryStore, NAMESPACE, sqliteStore, stores } from './stores.ts';

const one = Uint8Array.of(1);
const two = Uint8Array.of(2);

describe.each(stores)('records on $name', ({ open, isThere }) => {
  test.runIf(isThere)('come back byte for byte, as plain byte arrays', async () => {
    const records = new KeyvRecords(open().keyv);
    const values = [new Uint8Array(0), Uint8Array.from({ length: 256 }, (_, byte) => byte), bytesOf(1, 200_000)];
    for (const [index, value] of values.entries()) await records.set(`value.${index}`, value);
    for (const [index, value] of values.entries()) {
      const found = await records.get(`value.${index}`);
      expect(found).toEqual(value);
      expect(Buffer.isBuffer(found)).toBe(false);
    }
    await records.set('view', bytesOf(1, 100).subarray(10, 20));
    expect(await records.get('view')).toEqual(bytesOf(1, 100).slice(10, 20));
  });

  test.runIf(isThere)('answer undefined for what is not there, in the order of the names', async () => {
    const records = new KeyvRecords(open().keyv);
    await records.set('b', two);
    await records.set('a', one);
    expect(await records.get('c')).toBeUndefined();
    expect(await records.getMany(['b', 'c', 'a', 'b'])).toEqual([two, undefined, one, two]);
    expect(await records.getMany([])).toEqual([]);
  });

  test.runIf(isThere)('keep the last of many writes that nobody awaited', async () => {
    const records = new KeyvRecords(open().keyv);
    for (let round = 0; round < 30; round += 1) {
      const writes = Array.from({ length: 20 }, (_, index) => records.set('key', Uint8Array.of(round, index)));
      // Reads after the writes without waiting for them.
      expect(await records.get('key')).toEqual(Uint8Array.of(round, 19));
      await Promise.all(writes);
    }
  });

  test.runIf(isThere)('put writes and deletions of one name in order', async () => {
    const records = new KeyvRecords(open().keyv);
    const calls = [
      records.set('a', one),
      records.deleteMany(['a', 'b']),
      records.set('b', two),
      records.set('a', two),
      records.deleteMany(['b', 'b', 'c']),
    ];
    await records.idle();
    expect(await records.getMany(['a', 'b', 'c'])).toEqual([two, undefined, undefined]);
    await Promise.all(calls);
  });

  test.runIf(isThere)('keep names apart that a store or a namespace could confuse', async () => {
    const store = open();
    const records = new KeyvRecords(store.keyv);
    const names = ['k', `${NAMESPACE}:k`, 'K', ':k', 'a_b', 'a%b', 'axb', 'a_005fb', 'a/b', 'ä', '', '_'];
    for (const [index, name] of names.entries()) await records.set(name, Uint8Array.of(index));
    expect(await records.getMany(names)).toEqual(names.map((_, index) => Uint8Array.of(index)));
    const keys = await store.keys();
    expect(new Set(keys.map((key) => key.toLowerCase())).size).toBe(names.length);
  });

  test.runIf(isThere)('leave other namespaces of the store alone', async () => {
    const { keyv } = open();
    const records = new KeyvRecords(keyv);
    await records.set('a', one);
    const neighbour = new Keyv({ store: keyv.store as MapStore, namespace: 'skytale2', throwOnErrors: true });
    await neighbour.set('a', 'theirs');
    await new KeyvRecords(new Keyv({ store: keyv.store as MapStore, namespace: NAMESPACE })).deleteMany(['a', 'b']);
    expect(await neighbour.get('a')).toBe('theirs');
  });

  test.runIf(isThere)('call a value that is no byte string damaged, by its name', async () => {
    const store = open();
    const records = new KeyvRecords(store.keyv);
    await records.set('good', one);
    await records.set('bad', one);
    for (const value of ['{"value":7}', '{}', '{"value":"AQ', '"AQ=="', '17']) {
      await store.put(`${NAMESPACE}:bad`, value);
      await expect(records.get('bad')).rejects.toMatchObject({ code: 'store_damaged', message: /record bad / });
      await expect(records.getMany(['good', 'bad'])).rejects.toMatchObject({
        code: 'store_damaged',
        message: expect.stringMatching(/record bad /) as string,
      });
    }
  });

  test.runIf(isThere)('do not expire, whatever the instance says', async () => {
    const { keyv } = open();
    keyv.ttl = 10;
    const records = new KeyvRecords(keyv);
    await records.set('a', one);
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 1_000_000 });
    onTestFinished(() => void vi.useRealTimers());
    expect(await records.get('a')).toEqual(one);
  });
});

describe('records on a store that fails', () => {
  const refuse = (which: string) => (operation: string) => {
    if (operation === which) throw Object.assign(new Error('disk I/O error'), { code: 'SQLITE_IOERR' });
  };

  test.each([
    ['get', (records: KeyvRecords) => records.get('a')],
    ['get', (records: KeyvRecords) => records.getMany(['a', 'b'])],
    ['set', (records: KeyvRecords) => records.set('a', one)],
    ['delete', (records: KeyvRecords) => records.delete('a')],
    ['delete', (records: KeyvRecords) => records.deleteMany(['a', 'b'])],
  ])('%s rejects with store_error and the cause', async (operation, call) => {
    const { keyv, store } = memoryStore();
    const records = new KeyvRecords(keyv);
    store.before = refuse(operation);
    await expect(call(records)).rejects.toMatchObject({
      code: 'store_error',
      message: expect.stringMatching(/^runtime error: could not .*SQLITE_IOERR/) as string,
      cause: { message: 'disk I/O error' },
    });
  });

  test('a failed write does not hold up the next', async () => {
    const { keyv, store } = memoryStore();
    const records = new KeyvRecords(keyv);
    let writes = 0;
    store.before = (operation) => {
      if (operation === 'set' && ++writes === 1) throw new Error('once');
    };
    const [first, second] = await Promise.allSettled([records.set('a', one), records.set('a', two)]);
    expect([first.status, second.status]).toEqual(['rejected', 'fulfilled']);
    expect(await records.get('a')).toEqual(two);
  });

  test('a write that the store answers with false rejects', async () => {
    class Refusing extends MapStore {
      override async set(): Promise<void> {
        return Promise.resolve(false as unknown as undefined);
      }
    }
    const records = new KeyvRecords(new Keyv({ store: new Refusing() }));
    await expect(records.set('a', one)).rejects.toMatchObject({ code: 'store_error' });
  });

  test('a store that is slow with the first write still ends with the last', async () => {
    const { keyv, store } = memoryStore();
    const records = new KeyvRecords(keyv);
    let release: () => void = () => undefined;
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    let writes = 0;
    store.before = (operation) => (operation === 'set' && ++writes === 1 ? held : undefined);
    const both = [records.set('a', one), records.set('a', two)];
    release();
    await Promise.all(both);
    expect(await records.get('a')).toEqual(two);
  });

  test('a store without serializer is refused', () => {
    const keyv = new Keyv();
    keyv.serialize = undefined;
    expect(() => new KeyvRecords(keyv)).toThrow(/Expected `keyv` to have `serialize`/);
  });

  test.runIf(hasSqlite)('a closed database is an error, not an empty one', async () => {
    const { keyv } = sqliteStore();
    const records = new KeyvRecords(keyv);
    await records.set('a', one);
    await keyv.disconnect();
    for (const call of [records.get('a'), records.getMany(['a', 'b']), records.set('a', two), records.delete('a')]) {
      await expect(call).rejects.toMatchObject({ code: 'store_error' });
    }
  });
});
