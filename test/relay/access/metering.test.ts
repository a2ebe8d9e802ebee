import { describe, expect, test } from 'vitest';
import type { RelayMetrics } from '../../../src/relay/relay-metrics.ts';
import { noMetrics } from '../../../src/relay/relay-metrics.ts';
import { answerFromWire } from '../../../src/transport/index.ts';
import type { PublishAnswer } from '../../../src/transport/index.ts';
import type { RawClient } from '../support/raw-client.ts';
import { CHANNEL, commit, fresh, message, messages } from '../support/submissions.ts';
import { A, B, startGuardedRelay } from './support/guarded-relay.ts';

const MAY = Date.UTC(2026, 4, 1);
const JUNE = Date.UTC(2026, 5, 1);
const MONTH_S = 40 * 24 * 3600;

const reasons = (answers: readonly PublishAnswer[]): string[] =>
  answers.map((answer) => (answer.kind === 'refused' ? answer.reason : 'ok'));

async function authenticate(client: RawClient, token: string): Promise<void> {
  client.send({ case: 'authenticate', value: { token } });
  await client.next('authenticated');
}

describe('the quota of an account', () => {
  test('is told with every publish answer, and is absent where the plan has none', async () => {
    const relay = await startGuardedRelay();
    const free = await relay.connect(A, { plan: 'free' });
    const told = { limit: 100_000n, resetsAtMs: BigInt(JUNE) };
    expect((await free.published(messages(7))).quota).toMatchObject({ ...told, remaining: 99_993n });
    expect((await free.published([commit(0n)])).quota).toMatchObject({ ...told, remaining: 99_993n });
    const unlimited = await relay.connect(B, { plan: 'enterprise' });
    expect((await unlimited.published([message()], { channel: 'acme/b/c' })).quota).toBeUndefined();
  });

  test('is told also where nothing came to the log', async () => {
    const relay = await startGuardedRelay();
    await (await relay.connect(A, { plan: 'free' })).publish(messages(3));
    const client = await relay.connect(A, { plan: 'free' });
    const { answers, quota } = await client.published([message(0n, new Uint8Array())]);
    expect(reasons(answers.map(answerFromWire))).toEqual(['malformed']);
    expect(quota).toMatchObject({ remaining: 99_997n });
  });

  test('is kept to the message by twenty connections that race for the last of it', async () => {
    const plans = { small: { messagesPerMonth: 500 } };
    const relay = await startGuardedRelay({ engine: 'sqlite', auth: { plans } });
    const owner = await relay.connect(A, { plan: 'small' });
    await owner.publish([commit(0n)]);
    const clients = await Promise.all(Array.from({ length: 20 }, () => relay.connect(A, { plan: 'small' })));
    const rounds = clients.flatMap((client) => [11, 13, 17].map((count) => client.publish(messages(count, 1n))));
    const answers = (await Promise.all(rounds)).flat();
    expect(answers).toHaveLength(820);
    expect(reasons(answers).filter((reason) => reason === 'ok')).toHaveLength(500);
    const over = answers.filter((answer) => answer.kind === 'refused');
    for (const answer of over) {
      expect(answer).toMatchObject({ reason: 'quota-exceeded', retryAfterMs: JUNE - relay.clock.now() });
    }
    expect(await relay.engine.usage(A, MAY)).toMatchObject({ messages: 500 });
    owner.subscribe(1, { afterSeq: 0 }, 10_000);
    expect((await owner.next('caughtUp')).headSeq).toBe(501n);
    expect(owner.entries(1)).toHaveLength(501);
    const last = await owner.published([message(1n), commit(1n), message(1n)]);
    expect(reasons(last.answers.map(answerFromWire))).toEqual(['quota-exceeded', 'ok', 'quota-exceeded']);
    expect(last.quota?.remaining).toBe(0n);
  });

  test('counts no message twice, and begins anew with the month', async () => {
    const plans = { small: { messagesPerMonth: 3 } };
    const relay = await startGuardedRelay({ auth: { plans } });
    const client = await relay.connect(A, { plan: 'small', exp: relay.clock.now() / 1000 + MONTH_S });
    const sent = messages(2);
    await client.publish(sent);
    expect((await client.published(sent)).quota?.remaining).toBe(1n);
    expect(reasons(await client.publish(messages(2)))).toEqual(['ok', 'quota-exceeded']);
    relay.clock.advance(JUNE - relay.clock.now());
    const { answers, quota } = await client.published(messages(2));
    expect(reasons(answers.map(answerFromWire))).toEqual(['ok', 'ok']);
    expect(quota).toMatchObject({ limit: 3n, remaining: 1n, resetsAtMs: BigInt(Date.UTC(2026, 6, 1)) });
  });

  test('follows the plan of a renewed token', async () => {
    const plans = { small: { messagesPerMonth: 3 }, large: { messagesPerMonth: 1000 } };
    const relay = await startGuardedRelay({ auth: { plans } });
    const client = await relay.connect(A, { plan: 'small' });
    expect(reasons(await client.publish(messages(4)))).toEqual(['ok', 'ok', 'ok', 'quota-exceeded']);
    await authenticate(client, relay.token(A, { plan: 'large' }));
    expect((await client.published(messages(4))).quota).toMatchObject({ limit: 1000n, remaining: 993n });
  });
});

describe('rates', () => {
  test('refuse what comes too soon with the time to wait; sent again in the next round nothing is lost or doubled', async () => {
    const relay = await startGuardedRelay({ limits: { messagesPerSecond: 100, maxBatchEntries: 50 } });
    const client = await relay.connect(A);
    const sent = messages(400);
    const accepted: number[] = [];
    let waits = 0;
    for (let round = 1, left = sent; left.length > 0; round += 1) {
      const batches = Array.from({ length: Math.ceil(left.length / 50) }, (_, index) =>
        left.slice(50 * index, 50 * index + 50),
      );
      const frames = await Promise.all(batches.map((batch) => client.published(batch, { round })));
      const answers = frames.flatMap((frame) => frame.answers.map(answerFromWire));
      const late = left.filter((_, index) => answers[index]?.kind === 'refused');
      for (const answer of answers) {
        if (answer.kind === 'accepted') accepted.push(answer.seq);
        else expect(answer.reason).toBe('rate-limited');
      }
      expect(left.slice(left.length - late.length)).toEqual(late); // nothing overtakes
      left = late;
      if (late.length === 0) break;
      const first = answers.find((answer) => answer.kind === 'refused');
      relay.clock.advance(first?.kind === 'refused' ? (first.retryAfterMs ?? 0) + 990 : 0);
      waits += 1;
    }
    expect(waits).toBe(3);
    expect(accepted).toEqual(sent.map((_, index) => index + 1));
    client.subscribe(1);
    const got = await client.entriesUpTo(1, 400);
    expect(got.map(({ messageId }) => messageId)).toEqual(sent.map(({ messageId }) => messageId));
  });

  test('of an account hold over all of its connections, and for no other account', async () => {
    const relay = await startGuardedRelay({ limits: { accountMessagesPerSecond: 150 } });
    const [one, two, other] = [await relay.connect(A), await relay.connect(A), await relay.connect(B)];
    const count = (answers: readonly PublishAnswer[]): number =>
      answers.filter(({ kind }) => kind === 'accepted').length;
    expect(count(await one.publish(messages(100)))).toBe(100);
    expect(count(await two.publish(messages(100)))).toBe(50);
    expect(count(await other.publish(messages(100), 'acme/b/c'))).toBe(100);
  });

  test('are not renewed by connecting anew', async () => {
    const relay = await startGuardedRelay({ limits: { accountMessagesPerSecond: 128 } });
    const first = await relay.connect(A);
    await first.publish(messages(128));
    first.close();
    while (relay.server.holdings().length > 0) await first.settle();
    expect(reasons(await (await relay.connect(A)).publish([message()]))).toEqual(['rate-limited']);
  });

  test('let a full batch pass however low they are', async () => {
    const relay = await startGuardedRelay({ limits: { messagesPerSecond: 1, accountMessagesPerSecond: 1 } });
    const client = await relay.connect(A);
    expect(reasons(await client.publish(messages(128)))).toEqual(Array.from({ length: 128 }, () => 'ok'));
    expect(reasons(await client.publish([message(), commit(0n)]))).toEqual(['rate-limited', 'ok']);
  });
});

test('a commit welcomes as many key packages as the limit says, in one Welcome or in several', async () => {
  const relay = await startGuardedRelay({ limits: { maxWelcomesPerCommit: 3 } });
  const client = await relay.connect(A);
  const welcome = (count: number): { keyPackageRefs: Uint8Array[]; payload: Uint8Array } => ({
    keyPackageRefs: Array.from({ length: count }, () => fresh(32)),
    payload: fresh(8),
  });
  expect(reasons(await client.publish([commit(0n, [welcome(4)])]))).toEqual(['limit']);
  expect(reasons(await client.publish([commit(0n, [welcome(2), welcome(2)])]))).toEqual(['limit']);
  expect(reasons(await client.publish([commit(0n, [welcome(1), welcome(2)])]))).toEqual(['ok']);
});

test('metrics count what was stored, delivered and refused, each once', async () => {
  const counted = { stored: [0, 0], delivered: 0, refused: [] as string[] };
  const metrics: RelayMetrics = {
    ...noMetrics,
    stored: (entries, bytes) => {
      counted.stored = [counted.stored[0]! + entries, counted.stored[1]! + bytes];
    },
    delivered: (entries) => void (counted.delivered += entries),
    refused: (reason) => void counted.refused.push(reason),
  };
  const relay = await startGuardedRelay({ metrics, limits: { maxPayloadBytes: 100 } });
  const [alice, stranger] = [await relay.connect(A), await relay.connect(B)];
  const sent = messages(3, 0n, 50);
  await alice.publish([...sent, message(0n, fresh(101))]);
  await alice.publish(sent); // known already: stored once
  await stranger.publish([message()]);
  stranger.subscribe(1);
  await stranger.next('subscriptionRefused');
  alice.subscribe(1);
  await alice.entriesUpTo(1, 3);
  stranger.send({ case: 'credit', value: { subscription: 9, entries: 1 } });
  await stranger.refusal();
  expect(counted).toEqual({
    stored: [3, 150],
    delivered: 3,
    refused: ['too-large', 'unauthorized', 'unauthorized', 'protocol-error'],
  });
  expect(await relay.engine.state(CHANNEL)).toMatchObject({ headSeq: 3 });
});
