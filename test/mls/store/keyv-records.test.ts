import { Keyv } from 'keyv';
import { describe, expect, test } from 'vitest';
import { KeyvRecords } from '../../../src/mls/store/keyv-records.ts';
import { recordsContract } from './records-contract.ts';
import { hasSqlite, MapStore, memoryStore, sqliteStore, stores } from './stores.ts';

const one = Uint8Array.of(1);
const two = Uint8Array.of(2);

for (const store of stores) recordsContract(store);

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
