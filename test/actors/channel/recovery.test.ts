import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { map } from 'rxjs';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { type Channel, startChannel } from '../../../src/actors/channel/index.ts';
import { systemClock } from '../../../src/base/clock.ts';
import { systemRandom } from '../../../src/base/random.ts';
import { createMemoryRelay, type MemoryRelay, parseChannelName, RuntimeError } from '../../../src/index.ts';
import {
  type AgentStore,
  type ChannelRecord,
  createAgentKeys,
  createGroup,
  createKeyPackage,
  createMlsEngine,
  joinGroup,
  type MlsEngine,
  mlsGroupCodec,
  newGroupId,
  openDataDirectory,
  type RotationPolicy,
  NO_ADMISSIONS,
  NO_PINS,
} from '../../../src/mls/index.ts';
import { bytes, CHANNEL, isFault, Recorder, textOf } from '../../support/swarm.ts';

const name = parseChannelName(CHANNEL);

/** A store whose saves fail on demand: before they reached the disk, or after. */
class ShakyStore {
  readonly #store: AgentStore;
  #failures: ('before' | 'after')[] = [];
  fired = 0;

  constructor(store: AgentStore) {
    this.#store = store;
  }

  failNext(...when: ('before' | 'after')[]): void {
    this.#failures.push(...when);
  }

  get port(): AgentStore {
    return new Proxy(this.#store, {
      get: (store, property) => {
        if (property === 'saveChannel') return (record: ChannelRecord) => this.#save(record);
        const value: unknown = Reflect.get(store, property);
        return typeof value === 'function' ? (value.bind(store) as unknown) : value;
      },
    });
  }

  async #save(record: ChannelRecord): Promise<void> {
    const failure = this.#failures.shift();
    if (failure !== undefined) this.fired += 1;
    if (failure !== 'before') await this.#store.saveChannel(record);
    if (failure !== undefined) throw new RuntimeError('store_error', `injected ${failure} the write`);
  }
}

let root: string;
let engine: MlsEngine;
let relay: MemoryRelay;
const channels: Channel[] = [];
const stores: AgentStore[] = [];

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'skytale-recovery-'));
  engine = await createMlsEngine();
  relay = createMemoryRelay();
});

afterEach(async () => {
  await Promise.all(channels.splice(0).map((channel) => channel.stop()));
  await Promise.all(stores.splice(0).map((store) => store.close()));
  await rm(root, { recursive: true });
});

async function openStore(agent: string): Promise<AgentStore> {
  const { store } = await openDataDirectory(join(root, agent), {
    codec: mlsGroupCodec(engine),
  });
  stores.push(store);
  return store;
}

async function open(
  store: AgentStore,
  record: ChannelRecord,
  port: AgentStore,
  rotation: RotationPolicy = {},
): Promise<Channel> {
  await store.saveChannel(record);
  const ports = { engine, store: port, transport: relay.connect(), clock: systemClock, random: systemRandom, rotation };
  const channel = startChannel(record, ports);
  channels.push(channel);
  return channel;
}

function recordOf(group: ChannelRecord['group'], cursor: ChannelRecord['cursor']): ChannelRecord {
  return {
    name,
    group,
    idKey: systemRandom.bytes(32),
    cursor,
    outbox: [],
    journal: [],
    pendingCommit: undefined,
    commitSpentInEpoch: undefined,
    pins: NO_PINS,
    admissions: NO_ADMISSIONS,
  };
}

/** alice and bob in one channel, each on a store that can be made to fail. */
async function shakyPair(
  rotation?: RotationPolicy,
): Promise<Record<'alice' | 'bob', { channel: Channel; store: ShakyStore }>> {
  const nowMs = Date.now();
  const [aliceStore, bobStore] = await Promise.all([openStore('alice'), openStore('bob')]);
  const [aliceKeys, bobKeys] = await Promise.all(['alice', 'bob'].map((who) => createAgentKeys(engine, bytes(who))));
  if (aliceKeys === undefined || bobKeys === undefined) throw new Error('no keys');
  const shaky = { alice: new ShakyStore(aliceStore), bob: new ShakyStore(bobStore) };
  const founded = await createGroup(engine, {
    groupId: newGroupId(name, systemRandom.bytes(16)),
    keys: aliceKeys,
    nowMs,
  });
  const alice = await open(aliceStore, recordOf(founded, { afterSeq: 0 }), shaky.alice.port, rotation);
  const bundle = await createKeyPackage(engine, bobKeys, nowMs);
  const { welcome } = await alice.commit({ add: [bundle.keyPackage] });
  if (welcome === undefined) throw new Error('no Welcome');
  const joined = await joinGroup(engine, { welcome, bundle, keys: bobKeys, nowMs });
  const bob = await open(bobStore, recordOf(joined, { afterCommitOfEpoch: 0n }), shaky.bob.port);
  return { alice: { channel: alice, store: shaky.alice }, bob: { channel: bob, store: shaky.bob } };
}

const lines = (count: number): string[] => Array.from({ length: count }, (_, index) => `line ${index}`);

it.each(['before', 'after'] as const)('loses and repeats nothing when the sender fails %s a write', async (when) => {
  const { alice, bob } = await shakyPair();
  const seen = new Recorder(bob.channel.pipe(map(textOf)));
  const faults = new Recorder(alice.channel.faults$);
  const sent: Promise<unknown>[] = [];
  for (const [index, line] of lines(100).entries()) {
    if (index % 25 === 10) alice.store.failNext(when);
    sent.push(alice.channel.send(bytes(line)));
    await new Promise((resolve) => setImmediate(resolve));
  }
  await Promise.all(sent);

  expect(await seen.until(100)).toEqual(lines(100));
  expect(alice.store.fired).toBeGreaterThan(0);
  expect(faults.values.filter(isFault('crashed'))).toHaveLength(alice.store.fired);
});

it.each(['before', 'after'] as const)('shows every message once when the receiver fails %s a write', async (when) => {
  const { alice, bob } = await shakyPair();
  const seen = new Recorder(bob.channel.pipe(map(textOf)));
  const second = new Recorder(bob.channel.pipe(map(textOf)));
  for (const [index, line] of lines(60).entries()) {
    if (index % 20 === 5) bob.store.failNext(when);
    await alice.channel.send(bytes(line));
    await seen.until(index + 1);
  }

  expect(await seen.until(60)).toEqual(lines(60));
  expect(second.values).toEqual(lines(60));
  expect(bob.store.fired).toBe(3);
  expect(seen.isComplete).toBe(false);
});

it('makes a change of the group once when a write around its commit fails', async () => {
  const { alice, bob } = await shakyPair();
  const changes = new Recorder(bob.channel.epochChanges$);
  bob.channel.connect();

  for (const when of ['before', 'after'] as const) {
    alice.store.failNext(when);
    await alice.channel.commit({ rotate: true });
  }

  expect((await changes.until(2)).map(({ epoch }) => epoch)).toEqual([2n, 3n]);
  expect(alice.store.fired).toBe(2);
  expect(alice.channel.state$.value.epoch).toBe(3n);
});

it('renews its keys by itself when they have served long enough', async () => {
  const { alice, bob } = await shakyPair({ maxMessages: 10, maxAgeMs: 0 });
  const changes = new Recorder(bob.channel.epochChanges$);
  const seen = new Recorder(bob.channel.pipe(map(textOf)));
  for (const line of lines(25)) await alice.channel.send(bytes(line));

  await changes.until(2);
  expect(await seen.until(25)).toEqual(lines(25));
  expect(changes.values.map(({ added, removed }) => [...added, ...removed])).toEqual([[], []]);
});

it('is stopped with an error when its record cannot be written at the end', async () => {
  const { alice } = await shakyPair();
  relay.interrupt();
  alice.channel.next(bytes('never written'));
  alice.store.failNext('before', 'before', 'before');

  await expect(alice.channel.stop({ graceMs: 100 })).rejects.toMatchObject({ code: 'store_error' });
  channels.splice(channels.indexOf(alice.channel), 1);
});
