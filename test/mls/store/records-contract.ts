import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { KeyvRecords } from '../../../src/mls/store/keyv-records.ts';
import { bytesOf } from './fake-groups.ts';
import { NAMESPACE } from './stores.ts';
import type { StoreUnderTest } from './stores.ts';

const one = Uint8Array.of(1);
const two = Uint8Array.of(2);

/** What records promise on every Keyv store; `open` hands out an empty one each time. */
export function recordsContract({ name, open, isThere }: StoreUnderTest): void {
  describe(`records on ${name}`, () => {
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
      const store = open();
      const records = new KeyvRecords(store.keyv);
      await records.set('a', one);
      const neighbour = store.another('skytale2');
      await neighbour.set('a', 'theirs');
      await records.deleteMany(['a', 'b']);
      expect(await neighbour.get('a')).toBe('theirs');
      expect(await records.get('a')).toBeUndefined();
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
}
