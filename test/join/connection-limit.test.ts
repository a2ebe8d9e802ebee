import { expect, it, onTestFinished } from 'vitest';
import { systemClock } from '../../src/base/clock.ts';
import { localRelay, startControlPlane } from '../../src/control/index.ts';
import { type Clock, connectControlPlane, connectRelay, SkytaleClient, TransportError } from '../../src/index.ts';
import { startTestRelay } from '../relay/support/relay.ts';
import { bytes, CHANNEL, Swarm } from '../support/swarm.ts';
import { until } from './village.ts';

const SECRET = 'a secret of at least thirty-two bytes';
/** Told from all other waits of a client by its length. */
const TIMEOUT_MS = 123_456;
/** How long `joinChannel` waits for the relay, see welcome-desk.ts. */
const ADMISSION_MS = 30_000;
const OTHER = 'acme/research/other';
const REASON = 'the account has too many connections to this relay';

/** A clock on which the waits of these lengths are over when the test says so. */
function stoppedAt(...delays: readonly number[]): {
  readonly clock: Clock;
  readonly isWaiting: (delayMs: number) => boolean;
  readonly ring: (delayMs: number) => void;
} {
  const tasks = new Map<number, () => void>();
  const clock: Clock = {
    now: () => systemClock.now(),
    schedule(delayMs, task) {
      if (!delays.includes(delayMs)) return systemClock.schedule(delayMs, task);
      tasks.set(delayMs, task);
      return () => void tasks.delete(delayMs);
    },
  };
  return { clock, isWaiting: (delayMs) => tasks.has(delayMs), ring: (delayMs) => tasks.get(delayMs)?.() };
}

it('tells a joiner whose account has too many connections of that, and lets it in when one is free', async () => {
  await using swarm = await Swarm.create();
  const relay = await startTestRelay({
    auth: { secrets: [{ secret: SECRET }] },
    limits: { maxAccountConnections: 2 },
  });
  const server = await startControlPlane({
    port: 0,
    database: { kind: 'sqlite', path: ':memory:' },
    jwtSecrets: [{ secret: SECRET }],
    relay: localRelay(relay),
  });
  onTestFinished(() => server.close());
  const made = await fetch(`${server.endpoint}/v1/accounts`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ email: 'all@example.org' }),
  });
  const { api_key: apiKey } = (await made.json()) as { readonly api_key: string };
  const account = { apiKey, apiUrl: server.endpoint };
  const agent = (name: string): SkytaleClient =>
    new SkytaleClient(relay.endpoint, swarm.dataDir(name), bytes(name), account);
  await using alice = agent('alice');
  const founded = await alice.createChannel(CHANNEL);
  founded.channel$.connect();
  await until(founded.channel$.status$, (status) => status === 'live');
  await using dave = agent('dave');
  const occupying = await dave.createChannel('acme/research/elsewhere');
  occupying.channel$.connect();
  await until(occupying.channel$.status$, (status) => status === 'live');

  const { clock, isWaiting, ring } = stoppedAt(TIMEOUT_MS, ADMISSION_MS);
  const controlPlane = connectControlPlane(account);
  const transport = connectRelay({ endpoint: relay.endpoint, token: () => controlPlane.token(bytes('bob')) });
  await using bob = new SkytaleClient(relay.endpoint, swarm.dataDir('bob'), bytes('bob'), {
    transport,
    controlPlane,
    clock,
  });
  const { token } = await founded.invite();
  const failed = (joining: Promise<unknown>): Promise<unknown> => joining.catch((error: unknown) => error);
  const byToken = failed(bob.joinWithToken(CHANNEL, token, { timeoutMs: TIMEOUT_MS }));
  await until(transport.status$, ({ kind }) => kind === 'offline');
  ring(TIMEOUT_MS);
  const other = await alice.createChannel(OTHER);
  const welcome = await other.addMember(await bob.generateKeyPackage());
  const byWelcome = failed(bob.joinChannel(OTHER, welcome));
  await expect.poll(() => isWaiting(ADMISSION_MS)).toBe(true);
  ring(ADMISSION_MS);

  for (const error of [await byToken, await byWelcome]) {
    expect(error).toBeInstanceOf(TransportError);
    expect(error).toMatchObject({ code: 'join_timeout', message: expect.stringContaining(REASON) as string });
    expect((error as Error).cause).toMatchObject({ code: 'limit_exceeded', name: 'TransportError' });
  }
  await dave.close();
  expect((await bob.joinWithToken(CHANNEL, token, { timeoutMs: TIMEOUT_MS })).name).toBe(CHANNEL);
  expect((await bob.joinChannel(OTHER, welcome)).name).toBe(OTHER);
}, 60_000);
