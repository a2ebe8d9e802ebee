import { getEventListeners } from 'node:events';
import { describe, expect, it } from 'vitest';
import {
  createMemoryControlPlane,
  createMemoryRelay,
  text as textCodec,
  type ClientChannel,
  type SkytaleClient,
} from '../../src/index.ts';
import { tampered } from '../join/village.ts';
import { introduce, ManagedSwarm } from '../support/managers.ts';
import { bytes, CHANNEL, channelOf, next, reaches, Recorder, Swarm, textOf } from '../support/swarm.ts';

const REASON = new Error('the caller has changed its mind');

/** What a call rejects with when it is told to give up while it waits; the signal keeps nothing of it. */
async function givenUp(call: (signal: AbortSignal) => Promise<unknown>): Promise<unknown> {
  const stop = new AbortController();
  const outcome = call(stop.signal).catch((error: unknown) => error);
  await new Promise(setImmediate);
  stop.abort(REASON);
  const reason = await outcome;
  expect(getEventListeners(stop.signal, 'abort')).toEqual([]);
  return reason;
}

/** What it rejects with when it was told so before. */
function refused(call: (signal: AbortSignal) => Promise<unknown>): Promise<unknown> {
  return call(AbortSignal.abort(REASON)).then(
    () => 'it went on',
    (error: unknown) => error,
  );
}

type Members = Record<'alice' | 'bob', ClientChannel>;

describe('a channel whose relay is away', () => {
  const calls: [string, (members: Members, keyPackage: Uint8Array, signal: AbortSignal) => Promise<unknown>][] = [
    ['send', ({ alice }, _, signal) => alice.send(bytes('x'), { signal })],
    [
      'send with a receipt',
      ({ alice }, _, signal) => alice.send(bytes('x'), { receipt: 'delivered', timeoutMs: 60_000, signal }),
    ],
    ['send of a value', ({ alice }, _, signal) => alice.channel$.as(textCodec()).send('x', { signal })],
    ['commit', ({ alice }, _, signal) => alice.channel$.commit({ rotate: true }, { signal })],
    ['addMember', ({ alice }, keyPackage, signal) => alice.addMember(keyPackage, { signal })],
    ['removeMember', ({ alice }, _, signal) => alice.removeMember(bytes('bob'), { signal })],
    ['leave', ({ bob }, _, signal) => bob.channel$.leave({ signal })],
    ['messages', async ({ bob }, _, signal) => bob.messages({ signal }).next()],
  ];

  it.each(calls)(
    '%s gives up with the reason of its signal, and begins nothing when that is aborted',
    async (_, call) => {
      await using swarm = await Swarm.create();
      const members = await channelOf(swarm, 'alice', 'bob');
      const keyPackage = await swarm.agent('carol').generateKeyPackage();
      swarm.relay.interrupt();

      expect(await givenUp((signal) => call(members, keyPackage, signal))).toBe(REASON);
      expect(await refused((signal) => call(members, keyPackage, signal))).toBe(REASON);
    },
  );

  it('sends what was in the mailbox when its sender gave up, and not what came with an aborted signal', async () => {
    await using swarm = await Swarm.create();
    const { alice, bob } = await channelOf(swarm, 'alice', 'bob');
    const heard = new Recorder(bob.channel$);
    await reaches(bob.channel$, 'live');
    swarm.relay.interrupt();
    await givenUp((signal) => alice.send(bytes('given up'), { signal }));
    await refused((signal) => alice.send(bytes('never sent'), { signal }));
    swarm.relay.restore();
    await alice.send(bytes('after'));

    expect((await heard.until(2)).map(textOf)).toEqual(['given up', 'after']);
  });

  it('makes a change whose caller gave up, once', async () => {
    await using swarm = await Swarm.create();
    const { alice } = await channelOf(swarm, 'alice', 'bob');
    swarm.relay.interrupt();
    await givenUp((signal) => alice.channel$.commit({ rotate: true }, { signal }));
    await refused((signal) => alice.channel$.commit({ rotate: true }, { signal }));
    swarm.relay.restore();
    await alice.send(bytes('after'));
    await next(alice.channel$.state$, ({ epoch }) => epoch === 2n);
    await alice.channel$.commit({ rotate: true });

    expect(alice.channel$.state$.value.epoch).toBe(3n);
  });
});

describe('an iteration of messages', () => {
  it('ends with the reason for the call that comes after the abort, and lets another one go on', async () => {
    await using swarm = await Swarm.create();
    const { alice, bob } = await channelOf(swarm, 'alice', 'bob');
    const stop = new AbortController();
    const messages = bob.messages({ signal: stop.signal });
    await alice.send(bytes('one'));
    expect((await messages.next()).done).toBe(false);
    stop.abort(REASON);

    await expect(messages.next()).rejects.toBe(REASON);
    expect(await messages.next()).toEqual({ done: true, value: undefined });
    await messages.return?.(); // the consumer has ended when this has resolved
    const later = bob.messages();
    await alice.send(bytes('two'));
    expect((await later.next()).value).toEqual(bytes('two'));
    await later.return?.();
  });
});

describe('a client whose servers do not answer', () => {
  /** An agent on a control plane that hears its signals, and says nothing. */
  async function stranger(): Promise<AsyncDisposable & { readonly swarm: Swarm; readonly agent: SkytaleClient }> {
    const relay = createMemoryRelay();
    const swarm = await Swarm.create(relay);
    const silent = (signal?: AbortSignal): Promise<never> =>
      new Promise((_, reject) =>
        signal?.addEventListener('abort', () => reject(signal.reason as Error), { once: true }),
      );
    const controlPlane = tampered(createMemoryControlPlane({ relay }).connect('of bob'), {
      createChannel: (_name, _identity, signal) => silent(signal),
    });
    const agent = swarm.agent('bob', { transport: relay.connect('of bob'), controlPlane });
    await agent.ready;
    return { swarm, agent, [Symbol.asyncDispose]: () => swarm[Symbol.asyncDispose]() };
  }

  it('gives up making a channel, and can make it later', async () => {
    await using place = await stranger();
    const { agent } = place;

    expect(await givenUp((signal) => agent.createChannel(CHANNEL, { signal }))).toBe(REASON);
    expect(await refused((signal) => agent.createChannel(CHANNEL, { signal }))).toBe(REASON);
    expect(await agent.channels()).toEqual([]);
  });

  it('gives up an invite', async () => {
    await using place = await stranger();
    const { swarm, agent } = place;
    const alice = await swarm.agent('alice', { transport: swarm.relay.connect('of alice') }).createChannel(CHANNEL);
    const bob = await agent.joinChannel(CHANNEL, await alice.addMember(await agent.generateKeyPackage()));

    expect(await givenUp((signal) => bob.invite({ signal }))).toBe(REASON);
    expect(await refused((signal) => bob.invite({ signal }))).toBe(REASON);
  });

  it('gives up joining, and the Welcome is good for another try', async () => {
    await using place = await stranger();
    const { swarm, agent } = place;
    const alice = await swarm.agent('alice', { transport: swarm.relay.connect('of alice') }).createChannel(CHANNEL);
    const welcome = await alice.addMember(await agent.generateKeyPackage());
    swarm.relay.interrupt();

    expect(await givenUp((signal) => agent.joinChannel(CHANNEL, welcome, { signal }))).toBe(REASON);
    swarm.relay.restore();
    expect((await agent.joinChannel(CHANNEL, welcome)).name).toBe(CHANNEL);
  });
});

describe('a manager whose relay is away', () => {
  it('gives up what waits with the reason of its signal', async () => {
    await using swarm = await ManagedSwarm.create();
    const [alice, bob] = [swarm.manager('alice'), swarm.manager('bob')];
    await introduce(alice, bob);
    const keyPackage = await swarm.manager('carol').manager.keyPackage();
    swarm.relay.interrupt();

    const { manager } = alice;
    for (const call of [
      (signal: AbortSignal) => manager.send(CHANNEL, 'x', { signal }),
      (signal: AbortSignal) => manager.addMember(CHANNEL, keyPackage, { signal }),
      (signal: AbortSignal) => manager.removeMember(CHANNEL, 'bob', { signal }),
      (signal: AbortSignal) => manager.rotateKey(CHANNEL, { signal }),
      (signal: AbortSignal) => bob.manager.leave(CHANNEL, { signal }),
      (signal: AbortSignal) => bob.manager.receive(CHANNEL, { timeoutMs: 60_000, signal }),
    ]) {
      expect(await givenUp(call)).toBe(REASON);
      expect(await refused(call)).toBe(REASON);
    }
  });
});
