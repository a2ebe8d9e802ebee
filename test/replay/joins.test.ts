import { expect, it } from 'vitest';
import type { ClientChannel } from '../../src/index.ts';
import { type Fault, type SimulatedAgent, World } from '../../src/replay/index.ts';
import { bytes, CHANNEL, textOf } from '../support/swarm.ts';

/** A world of agents on accounts, under these faults. */
function worldWith(...faults: Fault[]): World {
  return new World({ seed: 5, plan: { version: 1, faults } });
}

/** Alice makes the channel, and a token that is good for many. */
async function founded(world: World): Promise<{ readonly channel: ClientChannel; readonly token: string }> {
  const alice = world.agent('alice', {
    account: 'of alice',
    onStart: async (client, { lives }) => {
      if (lives > 1) (await client.openChannel(CHANNEL)).channel$.connect();
    },
  });
  const channel = await world.complete(alice.client.createChannel(CHANNEL));
  channel.channel$.connect();
  const { token } = await world.complete(channel.invite({ maxUses: 10 }));
  return { channel, token };
}

function joins(agent: SimulatedAgent, token: string): Promise<ClientChannel> {
  return agent.client.joinWithToken(CHANNEL, token, { timeoutMs: 300_000 });
}

/** What one says, the other hears. */
async function talks(world: World, from: ClientChannel, to: ClientChannel, text: string): Promise<boolean> {
  // Whoever has not heard yet of its own commit speaks in the epoch before it.
  await world.until(() => from.channel$.state$.value.epoch === to.channel$.state$.value.epoch);
  const heard: string[] = [];
  const subscription = to.channel$.subscribe((message) => heard.push(textOf(message)));
  await world.complete(from.send(bytes(text)));
  const isHeard = await world.until(() => heard.includes(text), 60_000);
  subscription.unsubscribe();
  return isHeard;
}

it.each<Fault>([
  { kind: 'lose-welcome', agent: 'bob', nth: 1 },
  { kind: 'repeat-welcome', agent: 'bob', nth: 1 },
  { kind: 'control-plane-down', atMs: 0, forMs: 5_000 },
  { kind: 'partition', agents: ['alice'], atMs: 0, forMs: 20_000 },
  { kind: 'crash', agent: 'alice', nth: 1, forMs: 20_000 },
])('lets somebody in who comes by an invite, whatever happens meanwhile: $kind', async (fault) => {
  await using world = worldWith(fault);
  const { token } = await founded(world);
  const bob = world.agent('bob', { account: 'of bob' });
  world.arm();
  await world.run(10);
  const joined = await world.complete(joins(bob, token));
  const member = await world.complete(world.agent('alice').client.openChannel(CHANNEL));
  expect(await talks(world, member, joined, 'welcome')).toBe(true);
  expect(await talks(world, joined, member, 'thanks')).toBe(true);
  world.checkAllFired();
});

it('heals somebody who was handed the Welcome of a commit that had lost', async () => {
  await using world = worldWith({ kind: 'losing-welcome', nth: 1 });
  const { channel, token } = await founded(world);
  const carol = await world.complete(joins(world.agent('carol', { account: 'of carol' }), token));
  carol.channel$.connect();
  const bob = world.agent('bob', { account: 'of bob' });
  world.arm();
  const joining = joins(bob, token);
  // Whoever admits bob is to lose the epoch: carol renews her keys until that has happened.
  for (let tries = 0; tries < 40 && world.unfired.length > 0; tries += 1) {
    await world.complete(carol.channel$.commit({ rotate: true }));
  }
  world.checkAllFired();
  const joined = await world.complete(joining);
  joined.channel$.connect();
  await world.until(() => joined.channel$.status$.value === 'live');
  await world.run(60_000);
  expect(await talks(world, channel, joined, 'welcome')).toBe(true);
  const authenticators = [channel, carol, joined].map(({ channel$ }) => channel$.state$.value.epochAuthenticator);
  expect(authenticators[1]).toEqual(authenticators[0]);
  expect(authenticators[2]).toEqual(authenticators[0]);
});

it('lets an agent in again by its token whose directory was deleted, in the place of its old leaf', async () => {
  await using world = worldWith({ kind: 'directory-deleted', agent: 'bob', atMs: 0, forMs: 100 });
  const { channel, token } = await founded(world);
  let again: Promise<ClientChannel> | undefined;
  const bob = world.agent('bob', {
    account: 'of bob',
    onStart: (_, agent) => {
      if (agent.lives > 1) again = joins(agent, token);
    },
  });
  await world.complete(joins(bob, token));
  world.arm();
  await world.until(() => again !== undefined);
  const joined = await world.complete(again ?? Promise.reject(new Error('bob has not come back')));
  expect(await talks(world, channel, joined, 'hello again')).toBe(true);
  expect(channel.channel$.state$.value.members).toHaveLength(2);
  world.checkAllFired();
});

it('says that a record is damaged, in place of going on with half of what it knew', async () => {
  await using world = worldWith({ kind: 'directory-damaged', agent: 'bob', atMs: 0, index: 0, forMs: 100 });
  const { token } = await founded(world);
  const errors: unknown[] = [];
  const bob = world.agent('bob', {
    account: 'of bob',
    onStart: async (client, { lives }) => {
      if (lives > 1) await client.openChannel(CHANNEL);
    },
    onError: (error) => errors.push(error),
  });
  await world.complete(joins(bob, token));
  world.arm();
  await world.until(() => errors.length > 0);
  expect(errors).toMatchObject([{ code: 'store_damaged' }]);
  world.checkAllFired();
});
