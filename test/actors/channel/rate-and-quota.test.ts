import { expect, it } from 'vitest';
import { systemClock } from '../../../src/base/clock.ts';
import {
  AuthError,
  type Clock,
  createMemoryRelay,
  parseChannelName,
  QuotaExceededError,
  type RelayTransport,
} from '../../../src/index.ts';
import {
  bytes,
  CHANNEL,
  channelOf,
  invite,
  isFault,
  next,
  reaches,
  Recorder,
  Swarm,
  text,
  textOf,
} from '../../support/swarm.ts';

const name = parseChannelName(CHANNEL);
/** A time that nothing else waits for. */
const RETRY_AFTER_MS = 7_321;

/** The machine's clock, but for those who wait as long as the relay asked: they wait until they are let go. */
class HoldingClock implements Clock {
  readonly held = new Set<() => void>();
  /** Those who wait until somebody waits. */
  readonly #onHeld: (() => void)[] = [];

  now(): number {
    return systemClock.now();
  }

  schedule(delayMs: number, task: () => void): () => void {
    if (delayMs !== RETRY_AFTER_MS) return systemClock.schedule(delayMs, task);
    this.held.add(task);
    for (const tell of this.#onHeld.splice(0)) tell();
    return () => void this.held.delete(task);
  }

  /** Waits until somebody waits, and lets them go. */
  async letGo(): Promise<void> {
    while (this.held.size === 0) await new Promise<void>((resolve) => this.#onHeld.push(resolve));
    for (const task of [...this.held]) {
      this.held.delete(task);
      task();
    }
  }
}

it('sends again in order, once, what came too fast, as soon as the relay wants it', async () => {
  await using swarm = await Swarm.create();
  const clock = new HoldingClock();
  const founder = await swarm.agent('alice', { clock }).createChannel(CHANNEL);
  const bob = await invite(founder, swarm.agent('bob'));
  const seen = new Recorder(bob.channel$);
  const statuses = new Recorder(founder.channel$.status$);
  await reaches(founder.channel$, 'live');
  const faults = new Recorder(founder.channel$.faults$);
  const lines = Array.from({ length: 150 }, (_, index) => `line ${index}`);
  swarm.relay.limitRate(50, RETRY_AFTER_MS);

  const receipts: Promise<unknown>[] = [];
  for (const [index, line] of lines.entries()) {
    if (index % 3 === 0) founder.channel$.next(bytes(line));
    else receipts.push(founder.send(bytes(line)));
  }
  let rounds = 0;
  const settled = Promise.all(receipts).then(() => true);
  while (!(await Promise.race([settled, clock.letGo().then(() => false)]))) rounds += 1;

  expect((await seen.until(lines.length)).map(textOf)).toEqual(lines);
  expect(swarm.relay.entries(name)).toHaveLength(lines.length + 1);
  expect(rounds).toBeGreaterThanOrEqual(2);
  expect(statuses.values.slice(statuses.values.indexOf('live'))).toEqual(['live']);
  expect(faults.values).toEqual([]);
  expect(founder.channel$.state$.value.unsettled).toBe(0);
}, 30_000);

it('lets changes of the group go on while messages wait', async () => {
  await using swarm = await Swarm.create();
  const clock = new HoldingClock();
  const alice = await swarm.agent('alice', { clock }).createChannel(CHANNEL);
  await alice.send(bytes('zero'));
  swarm.relay.limitRate(1, RETRY_AFTER_MS);
  const waiting = [alice.send(bytes('one')), alice.send(bytes('two'))];
  await expect.poll(() => clock.held.size).toBe(1);

  const { epoch } = await alice.channel$.commit({ rotate: true });
  const bob = await invite(alice, swarm.agent('bob'));
  expect(alice.channel$.state$.value).toMatchObject({ unsettled: 2, status: 'live' });
  const seen = new Recorder(bob.channel$);
  await clock.letGo();
  const receipts = await Promise.all(waiting);

  expect(epoch).toBe(1n);
  expect(receipts.map((receipt) => receipt.epoch)).toEqual([2n, 2n]);
  expect((await seen.until(2)).map(textOf)).toEqual(['one', 'two']);
});

it('says again that it wants to leave when that came too fast', async () => {
  await using swarm = await Swarm.create();
  const clock = new HoldingClock();
  const alice = await swarm.agent('alice').createChannel(CHANNEL);
  const bob = await invite(alice, swarm.agent('bob', { clock }));
  bob.channel$.connect();
  await reaches(bob.channel$, 'live');
  swarm.relay.limitRate(1, RETRY_AFTER_MS);
  const leaving = bob.channel$.leave();
  await clock.letGo();
  await leaving;

  await next(alice.channel$.state$, ({ members }) => members.map(({ identity }) => text(identity)).join() === 'alice');
});

it('rejects what is above the quota, keeps nothing of it, and lives on', async () => {
  const relay = createMemoryRelay({ messagesPerMonth: 3 });
  await using swarm = await Swarm.create(relay);
  const client = swarm.agent('alice');
  const alice = await client.createChannel(CHANNEL);
  const bob = await invite(alice, swarm.agent('bob'));
  const [atAlice, atBob] = [new Recorder(alice.channel$), new Recorder(bob.channel$)];
  const faults = new Recorder(alice.channel$.faults$);
  const quotas = new Recorder(client.quota$);

  const sends = ['1', '2', '3', '4', '5'].map((line) => alice.send(bytes(line)));
  const outcomes = await Promise.allSettled(sends);
  alice.channel$.next(bytes('6'));
  await faults.until(1);

  expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'fulfilled', 'rejected', 'rejected']);
  const [, , , , last] = outcomes;
  const reason: unknown = last?.status === 'rejected' && last.reason;
  expect(reason).toBeInstanceOf(QuotaExceededError);
  expect(reason).toMatchObject({ code: 'quota_exceeded', httpStatus: 429 });
  expect(faults.values.filter(isFault('rejected'))).toMatchObject([
    { payload: bytes('6'), error: { code: 'quota_exceeded' } },
  ]);
  expect(quotas.values.at(-1)).toMatchObject({ limit: 3, remaining: 0 });
  expect(alice.channel$.state$.value).toMatchObject({ status: 'live', unsettled: 0 });

  await alice.channel$.commit({ rotate: true });
  await bob.send(bytes('from bob'));
  expect((await atAlice.until(1)).map(textOf)).toEqual(['from bob']);
  expect((await atBob.until(3)).map(textOf)).toEqual(['1', '2', '3']);
  await client.close();
  expect(quotas.isComplete).toBe(true);
});

it('does not send above the quota after a restart what was rejected before', async () => {
  const relay = createMemoryRelay({ messagesPerMonth: 0 });
  await using swarm = await Swarm.create(relay);
  const alice = await swarm.agent('alice').createChannel(CHANNEL);
  await expect(alice.send(bytes('too much'))).rejects.toBeInstanceOf(QuotaExceededError);
  await alice.close();
  await swarm.crashImage('alice', 'image');

  const again = await swarm.agent('alice', { dataDir: 'image' }).openChannel(CHANNEL);
  expect(again.channel$.state$.value.unsettled).toBe(0);
});

it('tells who wants to leave that the relay did not take the wish', async () => {
  await using swarm = await Swarm.create(createMemoryRelay({ messagesPerMonth: 0 }));
  const { bob } = await channelOf(swarm, 'alice', 'bob');

  await expect(bob.channel$.leave()).rejects.toMatchObject({ code: 'quota_exceeded' });
});

it('ends as refused when the account may not read the channel any more', async () => {
  const relay = createMemoryRelay();
  await using swarm = await Swarm.create(relay);
  const alice = await swarm.agent('alice', { transport: relay.connect('of alice') }).createChannel(CHANNEL);
  const bob = await invite(alice, swarm.agent('bob', { transport: relay.connect('of bob') }));
  const seen = new Recorder(bob.channel$);
  await alice.send(bytes('one'));
  await seen.until(1);
  relay.expel(name, 'of bob');
  await reaches(bob.channel$, 'refused');

  expect(bob.channel$.state$.value.cause).toBeInstanceOf(AuthError);
  await expect(bob.send(bytes('two'))).rejects.toMatchObject({ name: 'AuthError', code: 'unauthorized' });
  await alice.send(bytes('three'));
  expect(seen.values.map(textOf)).toEqual(['one']);
});

/** A transport of an account that may read and nothing else. */
function readOnly(inner: RelayTransport, refused: string[]): RelayTransport {
  return {
    isAuthenticated: inner.isAuthenticated,
    status$: inner.status$,
    quota$: inner.quota$,
    open: (options) => {
      const link = inner.open(options);
      return {
        events$: link.events$,
        grant: (entries) => link.grant(entries),
        publish: async (submissions) => {
          refused.push(...submissions.map(({ kind }) => kind));
          return submissions.map(() => ({ kind: 'refused', reason: 'unauthorized', detail: '', currentEpoch: 0n }));
        },
      };
    },
    awaitWelcome: (ref, signal) => inner.awaitWelcome(ref, signal),
    close: () => inner.close(),
  };
}

it('reads on where the account may only read; what it says is rejected, and it does not insist', async () => {
  await using swarm = await Swarm.create();
  const alice = await swarm.agent('alice').createChannel(CHANNEL);
  const refused: string[] = [];
  // Keys are due for renewal at once, which this account may not do.
  const bob = await invite(
    alice,
    swarm.agent('bob', {
      transport: readOnly(swarm.relay.connect(), refused),
      rotation: { maxMessages: 1, maxAgeMs: 1 },
    }),
  );
  const faults = new Recorder(bob.channel$.faults$);
  const seen = new Recorder(bob.channel$);
  await alice.send(bytes('one'));
  await seen.until(1);

  await expect(bob.send(bytes('hello?'))).rejects.toMatchObject({
    name: 'AuthError',
    code: 'unauthorized',
    httpStatus: 403,
  });
  await expect(bob.channel$.commit({ rotate: true })).rejects.toBeInstanceOf(AuthError);
  for (const line of ['two', 'three', 'four', 'five']) await alice.send(bytes(line));

  expect((await seen.until(5)).map(textOf)).toEqual(['one', 'two', 'three', 'four', 'five']);
  expect(bob.channel$.status$.value).toBe('live');
  expect(refused.filter((kind) => kind === 'commit').length).toBeLessThanOrEqual(2);
  expect(faults.values.map(({ kind }) => kind)).toEqual(['commit-failed']);
});
