import { describe, expect, test } from 'vitest';
import type { SkytaleError } from '../../../src/base/errors.ts';
import { openAgentStore } from '../../../src/mls/store/index.ts';
import type { AgentStore, AgentStoreOptions } from '../../../src/mls/store/index.ts';
import { channel, fakeCodec, otherChannel, recordAt } from './fake-groups.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { memoryStore } from './stores.ts';

type Raw = ReturnType<typeof memoryStore>;

const open = (raw: Raw, clock: ManualClock, options: Partial<AgentStoreOptions> = {}): Promise<AgentStore> =>
  openAgentStore({ keyv: raw.keyv, codec: fakeCodec, clock, ...options });

const deltasIn = async (raw: Raw): Promise<number> =>
  (await raw.keys()).filter((key) => key.includes('.delta.')).length;

/** What was set off by the clock is over: the store has answered behind it. */
async function settled(store: AgentStore): Promise<void> {
  await new Promise(setImmediate);
  for (const name of [channel, otherChannel]) await store.loadChannel(name).catch(() => undefined);
}

/** Counts the head records that are written. */
function countHeads(raw: Raw): { count: number } {
  const heads = { count: 0 };
  raw.store.before = (operation, key) => void (heads.count += operation === 'set' && key.endsWith('.head') ? 1 : 0);
  return heads;
}

describe('a fold in the background', () => {
  test('comes a second after the first delta, whatever is saved meanwhile', async () => {
    const [raw, clock] = [memoryStore(), new ManualClock()];
    const store = await open(raw, clock);
    await store.saveChannel(recordAt(0));
    expect(clock.waiting, 'a head alone needs none').toBe(0);
    for (let count = 1; count <= 9; count += 1) {
      await store.saveChannel(recordAt(count));
      clock.advance(100);
    }
    await settled(store);
    expect(await deltasIn(raw)).toBe(9);
    clock.advance(100);
    await settled(store);
    expect(await deltasIn(raw)).toBe(0);
    expect(clock.waiting).toBe(0);
    expect(await store.loadChannel(channel)).toEqual(recordAt(9));
    await store.close();
  });

  test('comes once a second under load, and the saves after it are deltas again', async () => {
    const [raw, clock] = [memoryStore(), new ManualClock()];
    const store = await open(raw, clock);
    let record = recordAt(0);
    await store.saveChannel(record);
    const heads = countHeads(raw);
    for (let count = 1; count <= 50; count += 1) {
      record = { ...record, cursor: { afterSeq: count } };
      await store.saveChannel(record);
      clock.advance(100);
      await new Promise(setImmediate);
    }
    // Each second from its first delta: 5 s of saves.
    expect(heads.count).toBe(5);
    await store.close();
  });

  test('comes with every save when told so', async () => {
    const [raw, clock] = [memoryStore(), new ManualClock()];
    const store = await open(raw, clock, { foldAfterMs: 0 });
    for (let count = 0; count <= 5; count += 1) {
      await store.saveChannel(recordAt(count));
      expect(await deltasIn(raw)).toBe(0);
    }
    await store.close();
  });

  test('takes up what a crash has left, in channels that nobody opens as well', async () => {
    const raw = memoryStore();
    const crashed = await open(raw, new ManualClock());
    for (const name of [channel, otherChannel]) {
      await crashed.saveChannel({ ...recordAt(0), name });
      await crashed.saveChannel({ ...recordAt(1), name });
    }
    expect(await deltasIn(raw)).toBe(2);
    const clock = new ManualClock();
    const store = await open(raw, clock);
    clock.advance(1000);
    await settled(store);
    await settled(store);
    expect(await deltasIn(raw)).toBe(0);
    await store.close();
  });

  test('that fails is told, is tried again after longer and longer, and loses nothing', async () => {
    const [raw, clock] = [memoryStore(), new ManualClock()];
    const errors: SkytaleError[] = [];
    const store = await open(raw, clock, { onBackgroundError: (error) => errors.push(error) });
    await store.saveChannel(recordAt(0));
    await store.saveChannel(recordAt(1));
    raw.store.before = (operation, key) => {
      if (operation === 'set' && key.endsWith('.head')) throw Object.assign(new Error('full'), { code: 'SQLITE_FULL' });
    };
    for (const [failures, waitMs] of [1000, 2000, 4000, 8000].entries()) {
      clock.advance(waitMs - 1);
      await settled(store);
      expect(errors).toHaveLength(failures);
      clock.advance(1);
      await settled(store);
      expect(errors).toHaveLength(failures + 1);
    }
    expect(errors[0]).toMatchObject({ code: 'store_error', message: /SQLITE_FULL/ });
    expect(await store.loadChannel(channel)).toEqual(recordAt(1));
    raw.store.before = () => undefined;
    clock.advance(60_000);
    await settled(store);
    expect(await deltasIn(raw)).toBe(0);
    expect(clock.waiting).toBe(0);
    expect(await store.loadChannel(channel)).toEqual(recordAt(1));
    await store.close();
  });

  test('is not tried again on a channel that is damaged', async () => {
    const [raw, clock] = [memoryStore(), new ManualClock()];
    const errors: SkytaleError[] = [];
    const store = await open(raw, clock, { onBackgroundError: (error) => errors.push(error) });
    await store.saveChannel(recordAt(0));
    await store.saveChannel(recordAt(1));
    await raw.put('skytale:channel.1.head', JSON.stringify({ value: 'bm8gcmVjb3JkIGF0IGFsbCwgYW5kIGxvbmc=' }));
    clock.advance(1000);
    await settled(store);
    expect(errors.map(({ code }) => code)).toEqual(['store_damaged']);
    expect(clock.waiting).toBe(0);
    await expect(store.close()).rejects.toMatchObject({ code: 'store_damaged' });
  });

  test('does not come any more once the store is closed or the channel deleted', async () => {
    const [raw, clock] = [memoryStore(), new ManualClock()];
    const store = await open(raw, clock);
    for (const count of [0, 1]) await store.saveChannel(recordAt(count));
    for (const count of [0, 1]) await store.saveChannel({ ...recordAt(count), name: otherChannel });
    expect(clock.waiting).toBe(2);
    await store.deleteChannel(channel);
    expect(clock.waiting).toBe(1);
    await store.close();
    expect(clock.waiting).toBe(0);
  });

  test('takes only a sensible time', async () => {
    for (const foldAfterMs of [-1, 1.5, 3_600_001]) {
      const opening = open(memoryStore(), new ManualClock(), { foldAfterMs });
      await expect(opening).rejects.toMatchObject({ code: 'invalid_argument' });
    }
  });
});
