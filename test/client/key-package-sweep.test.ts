import { describe, expect, it } from 'vitest';
import { KeyPackageSweep } from '../../src/client/key-package-sweep.ts';
import { type Clock, RuntimeError } from '../../src/index.ts';
import {
  type AgentStore,
  createAgentKeys,
  createKeyPackage,
  createMlsEngine,
  type KeyPackageBundle,
  mlsGroupCodec,
  openDataDirectory,
} from '../../src/mls/index.ts';
import { copyOf } from '../mls/store/plunder.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { bytes, CHANNEL, invite, Swarm } from '../support/swarm.ts';

const DAY_MS = 24 * 60 * 60 * 1000;

/** How many key packages a data directory holds. */
async function kept(dataDir: string): Promise<number> {
  const codec = mlsGroupCodec(await createMlsEngine());
  await using store = (await openDataDirectory(copyOf(dataDir), { codec })).store;
  const refs = await store.keyPackageRefs();
  const bundles = await Promise.all(refs.map((ref) => store.loadKeyPackage(ref)));
  return bundles.filter((bundle) => bundle !== undefined).length;
}

/** A clock that stands at some day. */
function atDay(day: number): Clock {
  const clock = new ManualClock();
  clock.advance(day * DAY_MS);
  return clock;
}

describe('key packages that nobody used', () => {
  it('are deleted at the next opening once they are over, and not before', async () => {
    await using swarm = await Swarm.create();
    const first = swarm.agent('alice', { clock: atDay(0) });
    await Promise.all([first.generateKeyPackage(), first.generateKeyPackage()]);
    await first.close();
    const later = swarm.agent('alice', { clock: atDay(20) });
    await later.generateKeyPackage();
    await later.close();
    expect(await kept(swarm.dataDir('alice'))).toBe(3);

    // Expired on the 30th day; until the 37th, somebody may still have a Welcome for one.
    for (const [day, count] of [
      [36, 3],
      [38, 1],
      [58, 0],
    ] as const) {
      const again = swarm.agent('alice', { clock: atDay(day) });
      await again.ready;
      await again.close();
      expect(await kept(swarm.dataDir('alice')), `day ${day}`).toBe(count);
    }
  });

  it('are deleted daily while the client is open', async () => {
    await using swarm = await Swarm.create();
    const clock = new ManualClock();
    const client = swarm.agent('alice', { clock });
    await client.generateKeyPackage();
    clock.advance(36 * DAY_MS);
    await client.channels();
    expect(await kept(swarm.dataDir('alice'))).toBe(1);
    clock.advance(2 * DAY_MS);
    await expect.poll(() => kept(swarm.dataDir('alice'))).toBe(0);
  });

  it('are deleted but for one that is damaged, which is told of', async () => {
    const warnings: string[] = [];
    const deleted: number[] = [];
    const refs = [1, 2, 3].map((number) => Uint8Array.of(number));
    const bundle = await expiredKeyPackage();
    const store = {
      keyPackageRefs: () => Promise.resolve(refs),
      loadKeyPackage: ([number]: Uint8Array) =>
        number === 2 ? Promise.reject(new RuntimeError('store_damaged', 'record 2')) : Promise.resolve(bundle),
      deleteKeyPackage: ([number = 0]: Uint8Array) => Promise.resolve(void deleted.push(number)),
    };
    const sweep = new KeyPackageSweep({
      store: store as unknown as AgentStore,
      clock: atDay(100),
      warn: (warning) => warnings.push(warning),
    });
    await sweep.start();
    await sweep.stop();
    expect(deleted).toEqual([1, 3]);
    expect(warnings).toEqual([expect.stringContaining('record 2')]);
  });
});

async function expiredKeyPackage(): Promise<KeyPackageBundle> {
  const engine = await createMlsEngine();
  return createKeyPackage(engine, await createAgentKeys(engine, bytes('alice')), atDay(0).now());
}

it('a key package that was used is gone with the join', async () => {
  await using swarm = await Swarm.create();
  const alice = await swarm.agent('alice').createChannel(CHANNEL);
  const bob = await invite(alice, swarm.agent('bob'));
  await bob.send(bytes('here'));
  expect(await kept(swarm.dataDir('bob'))).toBe(0);
});
