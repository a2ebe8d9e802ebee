import { describe, expect, it } from 'vitest';
import type { ClientChannel, CommitReceipt, EpochChange } from '../../../src/index.ts';
import { createAgentKeys, createKeyPackage, createMlsEngine } from '../../../src/mls/index.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { bytes, CHANNEL, next, reaches, Recorder, Swarm, text } from '../../support/swarm.ts';

const WINDOW_MS = 200;

/** alice alone in a channel, on a clock that the test moves. */
async function aliceAlone(
  swarm: Swarm,
  commitWindowMs?: number,
): Promise<{ clock: ManualClock; alice: ClientChannel }> {
  const clock = new ManualClock();
  const agent = swarm.agent('alice', { clock, ...(commitWindowMs !== undefined && { commitWindowMs }) });
  const alice = await agent.createChannel(CHANNEL);
  alice.channel$.connect();
  await reaches(alice.channel$, 'live');
  return { clock, alice };
}

/** Key packages of agents of these names. */
async function keyPackagesOf(clock: ManualClock, names: readonly string[]): Promise<readonly Uint8Array[]> {
  const engine = await createMlsEngine();
  return Promise.all(
    names.map(async (name) => {
      const keys = await createAgentKeys(engine, bytes(name));
      return (await createKeyPackage(engine, keys, clock.now())).keyPackage;
    }),
  );
}

/** Adds each by a change of its own. */
function addEach({ channel$ }: ClientChannel, keyPackages: readonly Uint8Array[]): Promise<CommitReceipt[]> {
  return Promise.all(keyPackages.map((keyPackage) => channel$.commit({ add: [keyPackage] })));
}

/** Resolves when everything that a channel has been told is in its queue and looked at. */
async function idle({ channel$ }: ClientChannel): Promise<void> {
  await channel$.send(bytes('over?'));
}

const names = (count: number): string[] => Array.from({ length: count }, (_, index) => `agent ${index}`);

describe('with a commit window', () => {
  it('makes one commit of twenty adds', async () => {
    await using swarm = await Swarm.create();
    const { clock, alice } = await aliceAlone(swarm, WINDOW_MS);
    const changes = new Recorder<EpochChange>(alice.channel$.epochChanges$);
    const keyPackages = await keyPackagesOf(clock, names(20));
    const first = addEach(alice, keyPackages.slice(0, 5));
    await idle(alice);
    clock.advance(WINDOW_MS - 1);
    const others = addEach(alice, keyPackages.slice(5));
    await idle(alice);
    expect(changes.values).toEqual([]);

    clock.advance(1);
    const receipts = [...(await first), ...(await others)];
    expect(changes.values).toHaveLength(1);
    expect(changes.values[0]?.added).toHaveLength(20);
    expect(new Set(receipts.map(({ epoch }) => epoch))).toEqual(new Set([1n]));
  });

  it('keeps a removal no longer than the window, however many changes follow', async () => {
    await using swarm = await Swarm.create();
    const { clock, alice } = await aliceAlone(swarm, WINDOW_MS);
    const [mallory = new Uint8Array(), ...more] = await keyPackagesOf(clock, names(5));
    const added = addEach(alice, [mallory]);
    await idle(alice);
    clock.advance(WINDOW_MS);
    await added;

    const removed = alice.removeMember(bytes('agent 0'));
    const others: Promise<unknown>[] = [];
    for (const keyPackage of more) {
      others.push(addEach(alice, [keyPackage]));
      await idle(alice);
      clock.advance(WINDOW_MS / 4);
    }
    await removed;
    await Promise.all(others);
    const { members, epoch } = alice.channel$.state$.value;
    expect(epoch).toBe(2n);
    expect(members.map(({ identity }) => text(identity))).not.toContain('agent 0');
    expect(members).toHaveLength(5);
  });

  it('lets what does not wait take along what does', async () => {
    await using swarm = await Swarm.create();
    const { clock, alice } = await aliceAlone(swarm, WINDOW_MS);
    const [keyPackage = new Uint8Array()] = await keyPackagesOf(clock, names(1));
    const added = addEach(alice, [keyPackage]);
    await alice.channel$.commit({ rotate: true });
    expect(await added).toMatchObject([{ epoch: 1n }]);
  });

  it('makes the commit at once when the channel stops', async () => {
    await using swarm = await Swarm.create();
    const { clock, alice } = await aliceAlone(swarm, WINDOW_MS);
    const added = addEach(alice, await keyPackagesOf(clock, names(3)));
    await idle(alice);
    await alice.close();
    expect((await added).map(({ epoch }) => epoch)).toEqual([1n, 1n, 1n]);
  });

  it('rejects what waits when the relay is not there at the end', async () => {
    await using swarm = await Swarm.create();
    const { clock, alice } = await aliceAlone(swarm, WINDOW_MS);
    const added = addEach(alice, await keyPackagesOf(clock, names(2)));
    const outcome = added.catch((error: unknown) => error);
    await idle(alice);
    swarm.relay.interrupt();
    await reaches(alice.channel$, 'offline');
    await alice.close();
    expect(await outcome).toMatchObject({ code: 'channel_closed' });
  });
});

it('without one, makes a commit as soon as it can', async () => {
  await using swarm = await Swarm.create();
  const { clock, alice } = await aliceAlone(swarm);
  const [keyPackage = new Uint8Array()] = await keyPackagesOf(clock, names(1));
  const changed = next(alice.channel$.epochChanges$);
  await alice.addMember(keyPackage);
  expect(await changed).toMatchObject({ epoch: 1n });
});

it('takes a window of 0 to 1000 milliseconds', async () => {
  await using swarm = await Swarm.create();
  for (const commitWindowMs of [-1, 1.5, 1001]) {
    expect(() => swarm.agent('alice', { commitWindowMs })).toThrow('Expected `commitWindowMs`');
  }
});
