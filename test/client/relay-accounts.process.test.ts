import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { QuotaExceededError, SkytaleClient } from '../../src/index.ts';
import { type Relay, type RelayOptions, startRelay } from '../../src/relay/index.ts';
import { hs256, SECRET } from '../relay/access/support/tokens.ts';
import { answerLikeAnApi } from '../support/fake-api.ts';
import { bytes, CHANNEL, invite, reaches, Recorder, Swarm, textOf } from '../support/swarm.ts';

/** A relay that asks for tokens, and where an API key is exchanged for one. */
class World implements AsyncDisposable {
  /** By account: how often it got a token. */
  readonly exchanges = new Map<string, number>();
  readonly swarm: Swarm;
  readonly relay: Relay;
  readonly #api = createServer((request, response) => {
    const account = String(request.headers.authorization).replace('Bearer sk_test_', '');
    const now = Math.floor(Date.now() / 1000);
    const claims = { sub: account, iss: 'skytale-api', plan: 'test', iat: now, exp: now + this.lifeS };
    if (!answerLikeAnApi(request, response, () => hs256(claims))) return;
    this.exchanges.set(account, (this.exchanges.get(account) ?? 0) + 1);
  });
  /** Of the tokens, in seconds. */
  lifeS = 3600;

  private constructor(swarm: Swarm, relay: Relay) {
    this.swarm = swarm;
    this.relay = relay;
  }

  static async create(messagesPerMonth: number, options: Partial<RelayOptions> = {}): Promise<World> {
    const swarm = await Swarm.create();
    const auth = { secrets: [{ secret: SECRET }], plans: { test: { messagesPerMonth } }, leewayMs: 0 };
    const world = new World(swarm, await startRelay({ dataDir: swarm.dataDir('relay'), port: 0, auth, ...options }));
    world.#api.listen(0, '127.0.0.1');
    await once(world.#api, 'listening');
    return world;
  }

  agent(name: string): SkytaleClient {
    const apiUrl = `http://127.0.0.1:${(this.#api.address() as AddressInfo).port}`;
    const options = { apiKey: `sk_test_of-${name}`, apiUrl };
    return new SkytaleClient(this.relay.endpoint, join(this.swarm.dataDir(name)), bytes(name), options);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.relay.close();
    await this.swarm[Symbol.asyncDispose]();
    this.#api.closeAllConnections();
    this.#api.close();
    await once(this.#api, 'close');
  }
}

it('renews tokens of three seconds under traffic, on the open streams, and loses nothing', async () => {
  await using world = await World.create(1_000_000);
  world.lifeS = 3;
  await using alice = world.agent('alice');
  await using bob = world.agent('bob');
  const atAlice = await alice.createChannel(CHANNEL);
  const atBob = await invite(atAlice, bob);
  const [heardByAlice, heardByBob] = [new Recorder(atAlice.channel$), new Recorder(atBob.channel$)];
  await Promise.all([reaches(atAlice.channel$, 'live'), reaches(atBob.channel$, 'live')]);
  const statuses = [new Recorder(atAlice.channel$.status$), new Recorder(atBob.channel$.status$)];

  const lines: string[] = [];
  const sends: Promise<unknown>[] = [];
  while ((world.exchanges.get('of-alice') ?? 0) < 4 || (world.exchanges.get('of-bob') ?? 0) < 4) {
    const line = `line ${lines.length}`;
    lines.push(line);
    sends.push(atAlice.send(bytes(line)), atBob.send(bytes(line)));
    await wait(5);
  }
  await Promise.all(sends);

  expect((await heardByBob.until(lines.length)).map(textOf)).toEqual(lines);
  expect((await heardByAlice.until(lines.length)).map(textOf)).toEqual(lines);
  expect(statuses.map(({ values }) => values)).toEqual([['live'], ['live']]);
  expect(lines.length).toBeGreaterThan(100);
}, 60_000);

it('comes back by itself, and at once, when a token could not be renewed in time', async () => {
  await using world = await World.create(1_000_000);
  world.lifeS = 2;
  await using alice = world.agent('alice');
  await using bob = world.agent('bob');
  const atAlice = await alice.createChannel(CHANNEL);
  const atBob = await invite(atAlice, bob);
  const heard = new Recorder(atBob.channel$);
  await atAlice.send(bytes('one'));
  await heard.until(1);
  const statuses = new Recorder(atBob.channel$.status$);
  // Tokens from the past: no renewal succeeds.
  world.lifeS = -1;
  await reaches(atBob.channel$, 'offline');
  world.lifeS = 3600;
  await reaches(atBob.channel$, 'live');
  await atAlice.send(bytes('two'));

  expect((await heard.until(2)).map(textOf)).toEqual(['one', 'two']);
  expect(statuses.values).not.toContain('refused');
}, 60_000);

it('keeps the order of a burst that the relay finds too fast, and everybody can read all of it', async () => {
  await using world = await World.create(1_000_000, { limits: { messagesPerSecond: 300 } });
  await using alice = world.agent('alice');
  await using bob = world.agent('bob');
  const atAlice = await alice.createChannel(CHANNEL);
  const atBob = await invite(atAlice, bob);
  const heard = new Recorder(atBob.channel$);
  const faults = new Recorder(atBob.channel$.faults$);
  const lines = Array.from({ length: 1500 }, (_, index) => `line ${index}`);
  const receipts = await Promise.all(lines.map((line) => atAlice.send(bytes(line))));

  expect((await heard.until(lines.length)).map(textOf)).toEqual(lines);
  expect(new Set(receipts.map(({ seq }) => seq)).size).toBe(lines.length);
  expect(faults.values).toEqual([]);
  expect(atAlice.channel$.state$.value).toMatchObject({ status: 'live', unsettled: 0 });
}, 60_000);

it('tells the quota, refuses what is above it, and lets members come and go all the same', async () => {
  await using world = await World.create(2);
  await using alice = world.agent('alice');
  await using bob = world.agent('bob');
  const atAlice = await alice.createChannel(CHANNEL);
  await atAlice.send(bytes('one'));
  expect(alice.quota$.value).toMatchObject({ limit: 2, remaining: 1 });
  await atAlice.send(bytes('two'));
  await expect(atAlice.send(bytes('three'))).rejects.toBeInstanceOf(QuotaExceededError);

  const atBob = await invite(atAlice, bob);
  const heard = new Recorder(atAlice.channel$);
  await atBob.send(bytes('I have messages left'));
  expect((await heard.until(1)).map(textOf)).toEqual(['I have messages left']);
  expect(alice.quota$.value).toMatchObject({ remaining: 0 });
});

it('keeps an account out of a channel that it was not added to', async () => {
  await using world = await World.create(1000);
  await using alice = world.agent('alice');
  await using mallory = world.agent('mallory');
  const atAlice = await alice.createChannel(CHANNEL);
  await atAlice.send(bytes('mine'));
  const atMallory = await mallory.createChannel(CHANNEL);
  const sending = expect(atMallory.send(bytes('no, mine'))).rejects.toMatchObject({ code: 'unauthorized' });
  await reaches(atMallory.channel$, 'refused');
  await sending;

  expect(atMallory.channel$.state$.value.cause).toMatchObject({ name: 'AuthError', httpStatus: 403 });
});
