import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { status } from '@grpc/grpc-js';
import { expect, it } from 'vitest';
import { systemClock } from '../../src/base/clock.ts';
import { AuthError, type Clock, createMemoryRelay, type RelayTransport, SkytaleClient } from '../../src/index.ts';
import { answerLikeAnApi } from '../support/fake-api.ts';
import { bytes, CHANNEL, next, Recorder, Swarm, textOf } from '../support/swarm.ts';
import { bridgeTo } from '../transport/support/bridge.ts';
import { unsignedJwt } from '../transport/support/jwt.ts';
import { type ScriptedCall, startScriptedRelay } from '../transport/support/scripted-relay.ts';

type AwaitWelcome = RelayTransport['awaitWelcome'];

/** A transport on which waiting for a Welcome is what a test makes of it. */
function withAwaitWelcome(inner: RelayTransport, wrap: (inner: AwaitWelcome) => AwaitWelcome): RelayTransport {
  const awaitWelcome = wrap((ref, signal) => inner.awaitWelcome(ref, signal));
  return {
    isAuthenticated: inner.isAuthenticated,
    status$: inner.status$,
    quota$: inner.quota$,
    open: (options) => inner.open(options),
    awaitWelcome,
    close: () => inner.close(),
  };
}

/** `alice` has a channel, on an account of her own. */
async function aliceOn(swarm: Swarm) {
  return swarm.agent('alice', { transport: swarm.relay.connect('of alice') }).createChannel(CHANNEL);
}

it('has the relay open the channel to its account before it joins', async () => {
  await using swarm = await Swarm.create();
  const alice = await aliceOn(swarm);
  await alice.send(bytes('before'));
  const bob = swarm.agent('bob', { transport: swarm.relay.connect('of bob') });
  const channel = await bob.joinChannel(CHANNEL, await alice.addMember(await bob.generateKeyPackage()));
  const seen = new Recorder(channel.channel$);
  await alice.send(bytes('hello'));
  await channel.send(bytes('hello yourself'));

  expect((await seen.until(1)).map(textOf)).toEqual(['hello']);
});

it('asks the relay nothing where it does not authenticate', async () => {
  await using swarm = await Swarm.create();
  const alice = await swarm.agent('alice').createChannel(CHANNEL);
  let asked = 0;
  const transport = withAwaitWelcome(swarm.relay.connect(), (inner) => (ref, signal) => {
    asked += 1;
    return inner(ref, signal);
  });
  const bob = swarm.agent('bob', { transport });
  await bob.joinChannel(CHANNEL, await alice.addMember(await bob.generateKeyPackage()));

  expect(asked).toBe(0);
});

it('can join again with the same Welcome after a crash between admission and the first write', async () => {
  await using swarm = await Swarm.create();
  const alice = await aliceOn(swarm);
  const transport = withAwaitWelcome(swarm.relay.connect('of bob'), (inner) => async (ref, signal) => {
    await inner(ref, signal);
    await swarm.crashImage('bob', 'bob after the crash');
    throw new Error('nobody hears of this: the process is gone');
  });
  const bob = swarm.agent('bob', { transport });
  const welcome = await alice.addMember(await bob.generateKeyPackage());
  await expect(bob.joinChannel(CHANNEL, welcome)).rejects.toThrow();
  expect(await bob.channels()).toEqual([]);

  const again = swarm.agent('bob', {
    dataDir: 'bob after the crash',
    transport: swarm.relay.connect('of bob'),
  });
  expect(await again.channels()).toEqual([]);
  const seen = new Recorder((await again.joinChannel(CHANNEL, welcome)).channel$);
  await alice.send(bytes('welcome back'));
  expect((await seen.until(1)).map(textOf)).toEqual(['welcome back']);
});

it('does not join with a Welcome that another account was handed, and says so', async () => {
  await using swarm = await Swarm.create();
  const alice = await aliceOn(swarm);
  const transport = withAwaitWelcome(swarm.relay.connect('of mallory'), (inner) => async (ref, signal) => {
    await swarm.relay.connect('of bob').awaitWelcome(ref);
    return inner(ref, signal);
  });
  const mallory = swarm.agent('mallory', { transport });
  const welcome = await alice.addMember(await mallory.generateKeyPackage());
  const error: unknown = await mallory.joinChannel(CHANNEL, welcome).catch((reason: unknown) => reason);

  expect(error).toBeInstanceOf(AuthError);
  expect(error).toMatchObject({ code: 'unauthorized', httpStatus: 403 });
  expect(await mallory.channels()).toEqual([]);
});

it('waits for its admission for a limited time, and can be told to join again', async () => {
  await using swarm = await Swarm.create();
  const alice = await aliceOn(swarm);
  let giveUp: (() => void) | undefined;
  const clock: Clock = {
    now: () => systemClock.now(),
    schedule(delayMs, task) {
      if (delayMs !== 30_000) return systemClock.schedule(delayMs, task);
      giveUp = task;
      return () => undefined;
    },
  };
  let isDeaf = true;
  const transport = withAwaitWelcome(
    swarm.relay.connect('of bob'),
    (inner) => (ref, signal) =>
      isDeaf
        ? new Promise((_, reject) => signal?.addEventListener('abort', () => reject(signal.reason as Error)))
        : inner(ref, signal),
  );
  const bob = swarm.agent('bob', { transport, clock });
  const welcome = await alice.addMember(await bob.generateKeyPackage());
  const joining = bob.joinChannel(CHANNEL, welcome);
  const refused = expect(joining).rejects.toMatchObject({
    code: 'join_timeout',
    message: expect.stringContaining('call joinChannel again') as string,
  });
  await expect.poll(() => giveUp).toBeDefined();
  giveUp?.();
  await refused;

  isDeaf = false;
  expect((await bob.joinChannel(CHANNEL, welcome)).name).toBe(CHANNEL);
});

it('exchanges its key for a token once: when it is made, for all connections to come', async () => {
  let exchanges = 0;
  const api = createServer((request, response) => {
    expect(request.headers.authorization).toBe('Bearer sk_test_1');
    const iat = Math.floor(Date.now() / 1000);
    const isToken = answerLikeAnApi(request, response, () => unsignedJwt({ iat, exp: iat + 3600 }));
    if (isToken) exchanges += 1;
  }).listen(0, '127.0.0.1');
  await once(api, 'listening');
  const calls: ScriptedCall[] = [];
  const bridge = bridgeTo(createMemoryRelay());
  await using relay = await startScriptedRelay({
    ...bridge,
    open: (call) => {
      calls.push(call);
      bridge.open?.(call);
    },
  });
  await using swarm = await Swarm.create();
  const apiUrl = `http://127.0.0.1:${(api.address() as AddressInfo).port}`;
  const alice = new SkytaleClient([relay.endpoint, relay.endpoint], swarm.dataDir('alice'), bytes('alice'), {
    apiKey: 'sk_test_1',
    apiUrl,
  });
  await expect.poll(() => exchanges).toBe(1);
  const channel = await alice.createChannel(CHANNEL);
  await channel.send(bytes('one'));
  calls[0]?.fail(status.UNAVAILABLE, 'gone');
  await next(channel.channel$.status$, (current) => current === 'offline');
  await channel.send(bytes('two'));
  await alice.close();
  api.closeAllConnections();
  api.close();
  await once(api, 'close');

  expect(calls).toHaveLength(2);
  expect(new Set(calls.map(({ authorization }) => authorization)).size).toBe(1);
  expect(exchanges).toBe(1);
});
