import { describe, expect, test } from 'vitest';
import type { AgentStoreOptions, ChannelRecord } from '../../../src/mls/store/index.ts';
import { openAgentStore } from '../../../src/mls/store/index.ts';
import { bytesOf, channel, emptyRecord, fakeCodec, nextRecord, otherChannel, recordAt, step } from './fake-groups.ts';
import type { FakeGroup } from './fake-groups.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { NAMESPACE } from './stores.ts';
import type { RawStore, StoreUnderTest } from './stores.ts';

export const open = (raw: RawStore, options: Partial<AgentStoreOptions> = {}): ReturnType<typeof openAgentStore> =>
  // Time stands still: what a test leaves open must not fold in the middle of another.
  openAgentStore({ keyv: raw.keyv, codec: fakeCodec, clock: new ManualClock(), ...options });

export const HEAD: string = `${NAMESPACE}:channel.1.head`;
export const delta = (number: number): string => `${NAMESPACE}:channel.1.delta.${number % 128}`;
export const deltasIn = async (raw: RawStore): Promise<string[]> =>
  (await raw.keys()).filter((key) => key.includes('.delta.'));

/** Saves the records `from` to `to` of a life, one by one, and returns the last. */
export async function live(store: Awaited<ReturnType<typeof open>>, to: number, from = 0): Promise<ChannelRecord> {
  let record = recordAt(from);
  await store.saveChannel(record);
  for (let count = from + 1; count <= to; count += 1) {
    record = nextRecord(record, count);
    await store.saveChannel(record);
  }
  return record;
}

/** What an agent store promises on every Keyv store; `open` hands out an empty one each time. */
export function agentStoreContract({ name, open: openRaw, isThere }: StoreUnderTest): void {
  describe(`an agent store on ${name}`, () => {
    test.runIf(isThere)('keeps keys, key packages and channels between runs', async () => {
      const raw = openRaw();
      const keys = { identity: bytesOf(1, 5), signaturePublicKey: bytesOf(2, 32), signaturePrivateKey: bytesOf(3, 32) };
      const bundle = { ref: bytesOf(4, 32), keyPackage: bytesOf(5, 300), secret: bytesOf(6, 100) };
      const first = await open(raw);
      expect(await first.loadKeys()).toBeUndefined();
      expect(await first.loadKeyPackage(bundle.ref)).toBeUndefined();
      expect(await first.channelNames()).toEqual([]);
      expect(await first.loadChannel(channel)).toBeUndefined();
      await Promise.all([first.saveKeys(keys), first.saveKeyPackage(bundle)]);
      const record = await live(first, 60);
      const other = { ...emptyRecord(otherChannel), journal: record.journal };
      await first.saveChannel(other);
      await first.close();

      const second = await open(raw);
      expect(await second.loadKeys()).toEqual(keys);
      expect(await second.loadKeyPackage(bundle.ref)).toEqual(bundle);
      expect(await second.keyPackageRefs()).toEqual([bundle.ref]);
      expect(await second.channelNames()).toEqual([channel, otherChannel]);
      expect(await second.loadChannel(channel)).toEqual(record);
      expect(await second.loadChannel(otherChannel)).toEqual(other);
      await second.deleteKeyPackage(bundle.ref);
      expect(await second.loadKeyPackage(bundle.ref)).toBeUndefined();
      expect(await second.keyPackageRefs()).toEqual([]);
      await second.close();
    });

    test.runIf(isThere)('goes on from a restored record, also when a crash left no chance to close', async () => {
      const raw = openRaw();
      const atCrash = await live(await open(raw), 20);
      const second = await open(raw);
      expect(await second.loadChannel(channel)).toEqual(atCrash);
      let record = (await second.loadChannel(channel)) as ChannelRecord;
      for (let count = 21; count <= 30; count += 1) await second.saveChannel((record = nextRecord(record, count)));
      expect(await (await open(raw)).loadChannel(channel)).toEqual(recordAt(30));
    });

    test.runIf(isThere)('writes some hundred bytes for a message, whatever the size of the group', async () => {
      const raw = openRaw();
      const store = await open(raw);
      const wide = Array.from({ length: 200 }, (_, index) => bytesOf(index, 64));
      const record = { ...emptyRecord(), group: { ...emptyRecord().group, nodes: wide } as FakeGroup };
      await store.saveChannel(record);
      await store.saveChannel({ ...record, group: step(record.group, 5, bytesOf(7, 64)), cursor: { afterSeq: 12 } });
      expect((await raw.get(HEAD))?.length).toBeGreaterThan(200 * 64);
      expect((await raw.get(delta(2)))?.length).toBeLessThan(250);
      await store.close();
    });

    test.runIf(isThere)('writes a new head after so many deltas, and deletes what it covers', async () => {
      const raw = openRaw();
      const store = await open(raw, { foldAfterDeltas: 5 });
      await live(store, 5);
      expect(await deltasIn(raw)).toHaveLength(5);
      const headBefore = await raw.get(HEAD);
      await store.saveChannel(recordAt(6));
      expect(await deltasIn(raw)).toEqual([]);
      expect(await raw.get(HEAD)).not.toBe(headBefore);
      expect(await (await open(raw)).loadChannel(channel)).toEqual(recordAt(6));
    });

    test.runIf(isThere)('deletes a channel with all its records, and starts anew under the same name', async () => {
      const raw = openRaw();
      const store = await open(raw);
      await live(store, 10);
      await store.deleteChannel(channel);
      expect(await store.loadChannel(channel)).toBeUndefined();
      expect(await store.channelNames()).toEqual([]);
      expect(await raw.keys()).toEqual([`${NAMESPACE}:catalog`, `${NAMESPACE}:format`].sort());
      await store.deleteChannel(channel);
      await store.saveChannel(recordAt(3));
      expect(await (await open(raw)).loadChannel(channel)).toEqual(recordAt(3));
    });
  });
}
