import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { STORE_FORMAT } from '../../../src/mls/store/record-envelope.ts';
import { agentStoreContract, delta, deltasIn, HEAD, live, open } from './agent-store-contract.ts';
import { bytesOf, channel, fakeCodec, recordAt } from './fake-groups.ts';
import { memoryStore, NAMESPACE, stores } from './stores.ts';
import type { RawStore } from './stores.ts';

for (const store of stores) agentStoreContract(store);

describe('saves', () => {
  test('that wait at the same time become one write of the latest, and all of them resolve', async () => {
    const raw = memoryStore();
    const store = await open(raw);
    await store.saveChannel(recordAt(0));
    let writes = 0;
    raw.store.before = (operation) => void (writes += operation === 'set' ? 1 : 0);
    await Promise.all([1, 2, 3, 4, 5, 6].map((count) => store.saveChannel(recordAt(count))));
    expect(writes).toBe(1);
    expect(await store.loadChannel(channel)).toEqual(recordAt(6));
  });

  test('do not pass a deletion or a load that was called between them', async () => {
    const store = await open(memoryStore());
    const calls = [
      store.saveChannel(recordAt(1)),
      store.loadChannel(channel),
      store.saveChannel(recordAt(2)),
      store.deleteChannel(channel),
      store.loadChannel(channel),
      store.saveChannel(recordAt(3)),
      store.loadChannel(channel),
    ] as const;
    const results = await Promise.all(calls);
    expect([results[1], results[4], results[6]]).toEqual([recordAt(1), undefined, recordAt(3)]);
  });

  test('fold when the deltas outweigh a heavy enough head', async () => {
    const raw = memoryStore();
    const store = await open(raw);
    let record = await live(store, 0);
    let seed = 0;
    const add = async (): Promise<void> => {
      seed += 1;
      record = { ...record, outbox: [{ messageId: bytesOf(seed, 16), payload: bytesOf(seed, 1_500_000) }] };
      await store.saveChannel(record);
    };
    for (let saves = 0; saves < 3; saves += 1) await add();
    expect(await deltasIn(raw)).toHaveLength(3);
    await add();
    expect(await deltasIn(raw)).toHaveLength(0);
  });

  test('fold each time when told so, which leaves no used secret', async () => {
    const raw = memoryStore();
    const store = await open(raw, { foldAfterDeltas: 0 });
    await live(store, 9);
    expect(await deltasIn(raw)).toEqual([]);
  });

  test('leave no deltas behind after closing, though the caller erased its groups', async () => {
    const raw = memoryStore();
    let isErased = false;
    const encode: typeof fakeCodec.encode = (group) => {
      if (isErased && !decoded.has(group)) throw new Error('erased');
      return fakeCodec.encode(group);
    };
    const decoded = new Set<unknown>();
    const decode: typeof fakeCodec.decode = (bytes) => {
      const group = fakeCodec.decode(bytes);
      decoded.add(group);
      return group;
    };
    const apply: typeof fakeCodec.apply = (group, change) => {
      const after = fakeCodec.apply(group, change);
      decoded.add(after);
      return after;
    };
    const store = await open(raw, { codec: { ...fakeCodec, encode, decode, apply } });
    await live(store, 7);
    isErased = true;
    await store.close();
    expect(await deltasIn(raw)).toEqual([]);
    expect(await (await open(raw)).loadChannel(channel)).toEqual(recordAt(7));
  });

  test('after closing are refused; closing waits for those under way and is done once', async () => {
    const raw = memoryStore();
    let closed = 0;
    const store = await open(raw, { onClosed: () => Promise.resolve(void (closed += 1)) });
    const save = store.saveChannel(recordAt(4));
    const keys = { identity: bytesOf(1, 5), signaturePublicKey: bytesOf(2, 32), signaturePrivateKey: bytesOf(3, 32) };
    const keysSaved = store.saveKeys(keys);
    await Promise.all([store.close(), store.close()]);
    expect(closed).toBe(1);
    await save;
    await keysSaved;
    await expect(store.saveChannel(recordAt(5))).rejects.toMatchObject({ code: 'store_error' });
    await expect(store.loadKeys()).rejects.toMatchObject({ code: 'store_error' });
    expect(await (await open(raw)).loadChannel(channel)).toEqual(recordAt(4));
  });

  test('take only a sensible number of deltas', async () => {
    for (const foldAfterDeltas of [-1, 129, 1.5]) {
      await expect(open(memoryStore(), { foldAfterDeltas })).rejects.toMatchObject({ code: 'invalid_argument' });
    }
  });
});

describe('a write that fails', () => {
  const failing = (raw: ReturnType<typeof memoryStore>, operation: string, part: string, reaches: boolean): void => {
    let left = 1;
    raw.store.before = (found, key) => {
      if (found !== operation || !key.includes(part) || left-- <= 0) return;
      // The store may have done it, and the answer got lost.
      if (reaches && found === 'delete') raw.store.map.delete(key);
      throw Object.assign(new Error('full'), { code: 'SQLITE_FULL' });
    };
  };

  test.each(['.delta.', '.head', 'catalog'])('to %s rejects, and the next save holds all', async (part) => {
    const raw = memoryStore();
    const store = await open(raw, { foldAfterDeltas: part === '.head' ? 2 : 100 });
    if (part !== 'catalog') await live(store, 2);
    failing(raw, 'set', part, false);
    await expect(store.saveChannel(recordAt(3))).rejects.toMatchObject({ code: 'store_error' });
    await store.saveChannel(recordAt(4));
    expect(await deltasIn(raw)).toEqual([]);
    expect(await (await open(raw)).loadChannel(channel)).toEqual(recordAt(4));
  });

  test('though the record got there is no trap for the next', async () => {
    const raw = memoryStore();
    const store = await open(raw);
    await live(store, 2);
    const set = raw.store.set.bind(raw.store);
    raw.store.set = async (key, value) => {
      await set(key, value);
      raw.store.set = set;
      throw new Error('reply lost');
    };
    await expect(store.saveChannel(recordAt(3))).rejects.toMatchObject({ code: 'store_error' });
    // What a crash would find now is the record whose reply was lost.
    expect(await (await open(raw)).loadChannel(channel)).toEqual(recordAt(3));
    await store.saveChannel(recordAt(4));
    await store.saveChannel(recordAt(5));
    expect(await (await open(raw)).loadChannel(channel)).toEqual(recordAt(5));
  });

  test('while it deletes what a new head covers rejects, and the rest is deleted with the next', async () => {
    const raw = memoryStore();
    const store = await open(raw, { foldAfterDeltas: 3 });
    await live(store, 3);
    failing(raw, 'delete', delta(3), false);
    await expect(store.saveChannel(recordAt(4))).rejects.toMatchObject({ code: 'store_error' });
    expect(await (await open(raw)).loadChannel(channel)).toEqual(recordAt(4));
    await store.saveChannel(recordAt(5));
    expect(await deltasIn(raw)).toEqual([]);
  });

  test('leaves covered deltas to be deleted at the next loading', async () => {
    const raw = memoryStore();
    const store = await open(raw, { foldAfterDeltas: 3 });
    await live(store, 3);
    const leftOver = await raw.get(delta(2));
    await store.saveChannel(recordAt(4));
    await raw.put(delta(2), leftOver);
    expect(await (await open(raw)).loadChannel(channel)).toEqual(recordAt(4));
    expect(await deltasIn(raw)).toEqual([]);
  });

  test('while reading is never "not there"', async () => {
    const raw = memoryStore();
    const store = await open(raw);
    await live(store, 2);
    raw.store.before = (operation) => {
      if (operation === 'get') throw new Error('no connection');
    };
    const calls = [store.loadChannel(channel), store.loadKeys(), store.loadKeyPackage(bytesOf(1, 32)), open(raw)];
    for (const call of calls) await expect(call).rejects.toMatchObject({ code: 'store_error' });
  });
});

describe('a crash between catalog and records', () => {
  const crashAt = async (
    operation: string,
    part: string,
    act: (store: Awaited<ReturnType<typeof open>>) => Promise<void>,
    raw = memoryStore(),
  ): Promise<typeof raw> => {
    const store = await open(raw);
    let isDown = false;
    let hits = 0;
    raw.store.before = (found, key) => {
      isDown ||= found === operation && key.includes(part) && ++hits > 0;
      if (isDown) throw new Error('crash');
    };
    await expect(act(store)).rejects.toMatchObject({ code: 'store_error' });
    expect(hits).toBe(1);
    raw.store.before = () => undefined;
    return raw;
  };

  test('before the first head leaves no channel', async () => {
    const raw = await crashAt('set', '.head', (store) => store.saveChannel(recordAt(0)));
    const store = await open(raw);
    expect(await store.channelNames()).toEqual([]);
    expect(await store.loadChannel(channel)).toBeUndefined();
    expect(await raw.keys()).toHaveLength(2);
  });

  test('after the first head leaves the channel', async () => {
    const raw = memoryStore();
    await open(raw);
    let catalogWrites = 0;
    const store = await open(raw);
    raw.store.before = (found, key) => {
      if (found === 'set' && key.includes('catalog') && ++catalogWrites === 2) throw new Error('crash');
    };
    await expect(store.saveChannel(recordAt(1))).rejects.toMatchObject({ code: 'store_error' });
    const second = await open(raw);
    expect(await second.channelNames()).toEqual([channel]);
    expect(await second.loadChannel(channel)).toEqual(recordAt(1));
  });

  test('in the middle of a deletion finishes it at the next opening', async () => {
    const raw = memoryStore();
    await live(await open(raw), 6);
    await crashAt('delete', delta(4), async (store) => store.deleteChannel(channel), raw);
    expect((await raw.keys()).length).toBeGreaterThan(2);
    const store = await open(raw);
    expect(await store.channelNames()).toEqual([]);
    expect(await raw.keys()).toHaveLength(2);
  });

  test('in the middle of making the store makes it at the next opening', async () => {
    const raw = memoryStore();
    raw.store.before = (operation, key) => {
      if (operation === 'set' && key.includes('format')) throw new Error('crash');
    };
    await expect(open(raw)).rejects.toMatchObject({ code: 'store_error' });
    expect(await raw.keys()).toEqual([`${NAMESPACE}:catalog`]);
    raw.store.before = () => undefined;
    await live(await open(raw), 1);
    expect(await (await open(raw)).loadChannel(channel)).toEqual(recordAt(1));
  });
});

describe('damage', () => {
  const valueOf = (bytes: Uint8Array): string => JSON.stringify({ value: Buffer.from(bytes).toString('base64') });
  const bytesIn = (value: string | undefined): Buffer =>
    Buffer.from((JSON.parse(value ?? '') as { value: string }).value, 'base64');

  /** A store with keys, a key package, and a channel of a head and five deltas. */
  async function furnished(): Promise<ReturnType<typeof memoryStore>> {
    const raw = memoryStore();
    const store = await open(raw);
    await store.saveKeys({
      identity: bytesOf(1, 5),
      signaturePublicKey: bytesOf(2, 32),
      signaturePrivateKey: bytesOf(3, 32),
    });
    await store.saveKeyPackage({ ref: bytesOf(4, 32), keyPackage: bytesOf(5, 300), secret: bytesOf(6, 100) });
    await live(store, 5);
    return raw;
  }

  /** Reads all that there is. */
  async function readAll(raw: RawStore): Promise<void> {
    const store = await open(raw);
    await store.loadKeys();
    await store.loadKeyPackage(bytesOf(4, 32));
    for (const name of await store.channelNames()) await store.loadChannel(name);
  }

  test('of any record, a flipped bit or a cut, is found and named', async () => {
    const raw = await furnished();
    const keys = await raw.keys();
    expect(keys).toHaveLength(10);
    for (const key of keys) {
      const value = await raw.get(key);
      const bytes = bytesIn(value);
      const flipped = Buffer.from(bytes);
      const middle = bytes.length >> 1;
      flipped[middle] = (flipped[middle] ?? 0) ^ 16;
      const text = value ?? '';
      const versions = [
        valueOf(flipped),
        valueOf(bytes.subarray(0, middle)),
        valueOf(new Uint8Array(0)),
        text.slice(0, 20),
      ];
      for (const version of versions) {
        await raw.put(key, version);
        await expect(readAll(raw), key).rejects.toMatchObject({
          code: 'store_damaged',
          message: expect.stringContaining(`record ${key.slice(NAMESPACE.length + 1)} `) as string,
        });
        expect(await raw.get(key), 'a damaged record is left as it is').toBe(version);
      }
      await raw.put(key, value);
    }
    await readAll(raw);
  });

  test('of the log: a record that is gone is missed', async () => {
    const raw = await furnished();
    const expected = [
      ['format', 'format'],
      ['catalog', 'catalog'],
      ['keys', 'keys'],
      ['channel.1.head', 'channel.1.head'],
      ['channel.1.delta.2', 'channel.1.delta.2'],
      ['channel.1.delta.4', 'channel.1.delta.4'],
      ['channel.1.delta.5', 'channel.1.delta.5'],
    ];
    for (const [gone = '', named = ''] of expected) {
      const key = `${NAMESPACE}:${gone}`;
      const value = await raw.get(key);
      await raw.put(key, undefined);
      await expect(readAll(raw), gone).rejects.toMatchObject({
        code: 'store_damaged',
        message: expect.stringContaining(`record ${named} `) as string,
      });
      await raw.put(key, value);
    }
    await readAll(raw);
  });

  test('of the log: a channel without any record is missed', async () => {
    const raw = await furnished();
    for (const key of await raw.keys()) if (key.includes('channel.1')) await raw.put(key, undefined);
    await expect(readAll(raw)).rejects.toMatchObject({ code: 'store_damaged' });
  });

  test('of the log: records that changed places are found', async () => {
    const raw = await furnished();
    const [three, four] = [await raw.get(delta(3)), await raw.get(delta(4))];
    await raw.put(delta(3), four);
    await raw.put(delta(4), three);
    await expect(readAll(raw)).rejects.toMatchObject({ code: 'store_damaged', message: /delta\.3 .*elsewhere/ });
  });

  test('of the log: an older head under newer deltas is found', async () => {
    const raw = memoryStore();
    const store = await open(raw, { foldAfterDeltas: 3 });
    await live(store, 3);
    const oldHead = await raw.get(HEAD);
    for (const count of [4, 5, 6]) await store.saveChannel(recordAt(count));
    await raw.put(HEAD, oldHead);
    await expect((await open(raw)).loadChannel(channel)).rejects.toMatchObject({ code: 'store_damaged' });
  });

  test('of the log: a delta of another life of the same channel is found', async () => {
    const [raw, twin] = [memoryStore(), memoryStore()];
    await live(await open(raw), 5);
    await live(await open(twin), 5, 1);
    await raw.put(delta(3), await twin.get(delta(3)));
    await expect((await open(raw)).loadChannel(channel)).rejects.toMatchObject({
      code: 'store_damaged',
      message: /delta\.3 .*predecessor/,
    });
  });

  test('of a channel stops saving on top of it, and can be deleted', async () => {
    const raw = await furnished();
    await raw.put(HEAD, valueOf(bytesOf(1, 200)));
    const store = await open(raw);
    await expect(store.saveChannel(recordAt(9))).rejects.toMatchObject({ code: 'store_damaged' });
    await store.deleteChannel(channel);
    expect((await raw.keys()).filter((key) => key.includes('channel.'))).toEqual([]);
    await store.saveChannel(recordAt(9));
    expect(await store.loadChannel(channel)).toEqual(recordAt(9));
  });

  test('that the group codec finds is named as well', async () => {
    const raw = await furnished();
    const decode = (): never => {
      throw new Error('not a group');
    };
    const store = await open(raw, { codec: { ...fakeCodec, decode } });
    await expect(store.loadChannel(channel)).rejects.toMatchObject({
      code: 'store_damaged',
      message: /channel\.1\.head/,
      cause: { message: 'not a group' },
    });
  });

  test('is told from a newer format, which is refused before anything is written', async () => {
    for (const part of ['format', 'catalog', 'keys', 'channel.1.head', 'channel.1.delta.3']) {
      const raw = await furnished();
      const key = `${NAMESPACE}:${part}`;
      const content = bytesIn(await raw.get(key)).subarray(0, -16);
      content[4] = STORE_FORMAT + 1;
      await raw.put(
        key,
        valueOf(Buffer.concat([content, createHash('sha256').update(content).digest().subarray(0, 16)])),
      );
      const before = new Map(raw.store.map);
      await expect(readAll(raw), part).rejects.toMatchObject({
        code: 'data_dir_version',
        message: expect.stringContaining(`record ${part} `) as string,
      });
      expect(raw.store.map).toEqual(before);
    }
  });
});
