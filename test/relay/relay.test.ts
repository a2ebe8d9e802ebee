import type { Worker } from 'node:worker_threads';
import { status } from '@grpc/grpc-js';
import { describe, expect, test } from 'vitest';
import { encodeClientFrame, refusalFromWire, startToWire } from '../../src/transport/index.ts';
import type { Submission } from '../../src/transport/index.ts';
import { RawClient } from './support/raw-client.ts';
import { startTestRelay } from './support/relay.ts';
import { CHANNEL, commit, fresh, GROUP, message, messages, OTHER_GROUP } from './support/submissions.ts';
import { temporaryDirectory } from './support/temp-dir.ts';

const seqs = (entries: readonly { seq: number }[]): number[] => entries.map(({ seq }) => seq);
const upTo = (count: number): number[] => Array.from({ length: count }, (_, index) => index + 1);

describe('publish and subscribe', () => {
  test('delivers to a live subscriber what another client publishes, byte for byte', async () => {
    const { endpoint } = await startTestRelay();
    const [alice, bob] = await Promise.all([RawClient.connect(endpoint), RawClient.connect(endpoint)]);
    bob.subscribe(3);
    expect(await bob.next('caughtUp')).toMatchObject({ subscription: 3, headSeq: 0n });

    const sent = messages(40, 0n, 1024);
    const answers = await alice.publish(sent);
    expect(answers).toEqual(upTo(40).map((seq) => ({ kind: 'accepted', seq, duplicate: false })));
    const entries = await bob.entriesUpTo(3, 40);
    expect(entries.map(({ messageId, payload }) => ({ messageId, payload }))).toEqual(
      sent.map(({ messageId, payload }) => ({ messageId, payload })),
    );
    expect(entries.map(({ prevSeq }) => prevSeq)).toEqual(upTo(40).map((seq) => seq - 1));
  });

  test('sends what was in the log, then says so once, then goes on live without a hole', async () => {
    const { endpoint } = await startTestRelay();
    const alice = await RawClient.connect(endpoint);
    for (let round = 0; round < 3; round += 1) await alice.publish(messages(100));
    const bob = await RawClient.connect(endpoint);
    bob.subscribe(1, { afterSeq: 20 }, 10_000);
    await alice.publish(messages(50));
    expect((await bob.next('caughtUp')).headSeq).toBeOneOf([300n, 350n]);
    await alice.publish(messages(50));
    expect(seqs(await bob.entriesUpTo(1, 380))).toEqual(upTo(400).slice(20));
    expect(bob.frames.filter((frame) => frame.case === 'caughtUp')).toHaveLength(1);
  });

  test('gives several subscribers the same order, own messages included', async () => {
    const { endpoint } = await startTestRelay();
    const clients = await Promise.all(upTo(4).map(() => RawClient.connect(endpoint)));
    for (const client of clients) client.subscribe(1);
    await Promise.all(
      clients.map(async (client) => {
        for (let round = 0; round < 10; round += 1) await client.publish(messages(3));
      }),
    );
    const orders = await Promise.all(clients.map((client) => client.entriesUpTo(1, 120)));
    for (const order of orders) expect(order).toEqual(orders[0]);
    expect(seqs(orders[0] ?? [])).toEqual(upTo(120));
  });

  test('lets nothing overtake what it could not store, until the client begins another round', async () => {
    const { endpoint } = await startTestRelay({ engine: { kind: 'sqlite', maxBytes: 600_000 } });
    const alice = await RawClient.connect(endpoint);
    const reasons = async (round: number, sent: readonly Submission[]): Promise<(string | undefined)[]> =>
      (await alice.published(sent, { round })).answers.map(({ result }) => result.case);
    let isFull = false;
    while (!isFull) isFull = (await reasons(1, messages(20, 0n, 5000))).includes('refused');
    // It would find room.
    expect(await reasons(1, [message()])).toEqual(['refused']);
    expect(await reasons(2, [message()])).toEqual(['accepted']);
  });

  test('delivers no more than there is credit for, and goes on when credit comes', async () => {
    const { endpoint } = await startTestRelay();
    const alice = await RawClient.connect(endpoint);
    const bob = await RawClient.connect(endpoint);
    bob.subscribe(1, { afterSeq: 0 }, 5);
    await bob.next('caughtUp');
    await alice.publish(messages(20));
    await alice.publish(messages(20));
    await pong(bob);
    expect(seqs(bob.entries(1))).toEqual(upTo(5));
    bob.send({ case: 'credit', value: { subscription: 1, entries: 30 } });
    await bob.entriesUpTo(1, 35);
    await pong(bob);
    expect(seqs(bob.entries(1))).toEqual(upTo(35));
  });

  test('delivers nothing after an unsubscribe was seen, and takes the number again', async () => {
    const { endpoint } = await startTestRelay();
    const alice = await RawClient.connect(endpoint);
    alice.subscribe(1);
    await alice.publish(messages(2));
    await alice.entriesUpTo(1, 2);
    alice.send({ case: 'unsubscribe', value: { subscription: 1 } });
    await alice.publish(messages(2));
    await pong(alice);
    expect(alice.entries(1)).toHaveLength(2);
    alice.subscribe(1, { afterSeq: 2 });
    expect(seqs(await alice.entriesUpTo(1, 4))).toEqual([1, 2, 3, 4]);
  });

  test('starts behind the commit that ended an epoch', async () => {
    const { endpoint } = await startTestRelay();
    const alice = await RawClient.connect(endpoint);
    await alice.publish([message(), message(), commit(0n), message(1n), commit(1n), message(2n)]);
    alice.subscribe(1, { afterCommitOfEpoch: 0n });
    expect(seqs(await alice.entriesUpTo(1, 3))).toEqual([4, 5, 6]);
    alice.subscribe(2, { afterCommitOfEpoch: 2n });
    expect(await refusedSubscription(alice, 2)).toBe('epoch-unknown');
  });

  test('answers a publish in several frames at once in order, with an old number for a known id', async () => {
    const { endpoint } = await startTestRelay();
    const alice = await RawClient.connect(endpoint);
    const known = message();
    await alice.publish([known]);
    expect(await Promise.all([alice.publish([known, message()]), alice.publish([message()])])).toEqual([
      [
        { kind: 'accepted', seq: 1, duplicate: true },
        { kind: 'accepted', seq: 2, duplicate: false },
      ],
      [{ kind: 'accepted', seq: 3, duplicate: false }],
    ]);
  });

  test('lets one of twenty clients win each epoch', async () => {
    const { endpoint } = await startTestRelay();
    const clients = await Promise.all(upTo(20).map(() => RawClient.connect(endpoint)));
    for (let epoch = 0n; epoch < 5n; epoch += 1n) {
      const answers = (await Promise.all(clients.map((client) => client.publish([commit(epoch)])))).flat();
      expect(answers.filter(({ kind }) => kind === 'accepted')).toHaveLength(1);
      for (const answer of answers) {
        if (answer.kind === 'refused')
          expect(answer).toMatchObject({ reason: 'epoch-decided', currentEpoch: epoch + 1n });
      }
    }
  });

  test('serves what it acknowledged after a restart', async () => {
    const dataDir = await temporaryDirectory();
    const first = await startTestRelay({ dataDir });
    const sent = messages(10);
    await (await RawClient.connect(first.endpoint)).publish(sent);
    await first.close();
    const second = await startTestRelay({ dataDir });
    const bob = await RawClient.connect(second.endpoint);
    bob.subscribe(1);
    expect((await bob.entriesUpTo(1, 10)).map(({ payload }) => payload)).toEqual(sent.map(({ payload }) => payload));
    expect((await bob.publish(sent)).map((answer) => answer.kind === 'accepted' && answer.duplicate)).toEqual(
      sent.map(() => true),
    );
  });
});

describe('Welcomes', () => {
  test('are delivered to the one who waits, when the commit wins, and at once to the one who comes later', async () => {
    const { endpoint } = await startTestRelay();
    const [alice, bob, late] = (await Promise.all([1, 2, 3].map(() => RawClient.connect(endpoint)))) as [
      RawClient,
      RawClient,
      RawClient,
    ];
    const ref = fresh(32);
    const toBob = fresh(700);
    bob.send({ case: 'awaitWelcome', value: { keyPackageRef: ref } });
    await pong(bob);
    await alice.publish([commit(0n)]);
    await alice.publish([commit(0n, [{ keyPackageRefs: [ref], payload: fresh(5) }])]);
    await alice.publish([message(1n), commit(1n, [{ keyPackageRefs: [ref], payload: toBob }])]);
    const expected = { keyPackageRef: ref, channel: CHANNEL, commitSeq: 3n, payload: toBob };
    expect(await bob.next('welcome')).toMatchObject(expected);
    late.send({ case: 'awaitWelcome', value: { keyPackageRef: ref } });
    expect(await late.next('welcome')).toMatchObject(expected);
  });
});

describe('retention', () => {
  test('is announced to a subscriber whose cursor is behind it', async () => {
    const clock = settableClock();
    const { endpoint } = await startTestRelay({ clock, retentionMs: 10_000 });
    const alice = await RawClient.connect(endpoint);
    await alice.publish(messages(5));
    clock.time += 10_001;
    await alice.publish(messages(3));
    clock.runDue();
    // The sweep has gone through when the log answers with a gap.
    for (let subscription = 1, isTrimmed = false; !isTrimmed; subscription += 1) {
      alice.subscribe(subscription, { afterSeq: 2 });
      await alice.next('caughtUp', (value) => value.subscription === subscription);
      const gap = alice.frames.find((frame) => frame.case === 'gap');
      if (gap?.case !== 'gap') continue;
      isTrimmed = true;
      expect(gap.value).toMatchObject({ subscription, afterSeq: 2n, resumesAtSeq: 6n });
      expect(alice.entries(subscription).map(({ seq, prevSeq }) => [seq, prevSeq])).toEqual([
        [6, 5],
        [7, 6],
        [8, 7],
      ]);
    }
  });
});

describe('refusals that leave the connection as it is', () => {
  test('too large, malformed and sound submissions of one publish are answered one by one', async () => {
    const { endpoint } = await startTestRelay({ limits: { maxPayloadBytes: 1000 } });
    const alice = await RawClient.connect(endpoint);
    const sent: Submission[] = [
      message(0n, fresh(1000)),
      message(0n, fresh(1001)),
      { ...message(), messageId: fresh(15) },
      message(0n, new Uint8Array()),
      { ...message(), welcomes: [{ keyPackageRefs: [fresh(32)], payload: fresh(3) }] },
      commit(0n, [{ keyPackageRefs: [fresh(65)], payload: fresh(3) }]),
      commit(0n, [{ keyPackageRefs: [fresh(32)], payload: fresh(1001) }]),
      message(),
    ];
    const answers = await alice.publish(sent);
    expect(answers.map((answer) => (answer.kind === 'accepted' ? answer.seq : answer.reason))).toEqual([
      1,
      'too-large',
      'malformed',
      'malformed',
      'malformed',
      'malformed',
      'too-large',
      2,
    ]);
  });

  test('a publish with a bad channel, a bad group, a foreign group or too many submissions', async () => {
    const { endpoint } = await startTestRelay({ limits: { maxBatchEntries: 4 } });
    const alice = await RawClient.connect(endpoint);
    await alice.publish([message()]);
    const reasons = async (answers: ReturnType<RawClient['publish']>): Promise<string[]> =>
      (await answers).map((answer) => (answer.kind === 'refused' ? answer.reason : 'accepted'));
    expect(await reasons(alice.publish([message(), message()], 'bad-name'))).toEqual([
      'invalid-channel',
      'invalid-channel',
    ]);
    expect(await reasons(alice.publish([message()], CHANNEL, fresh(15)))).toEqual(['malformed']);
    expect(await reasons(alice.publish([message()], CHANNEL, OTHER_GROUP))).toEqual(['foreign-group']);
    expect(await reasons(alice.publish(messages(5)))).toEqual(upTo(5).map(() => 'limit'));
    expect(await reasons(alice.publish(messages(4)))).toEqual(upTo(4).map(() => 'accepted'));
  });

  test('a subscription that cannot be served, whose late credit is no offence', async () => {
    const { endpoint } = await startTestRelay({ limits: { maxSubscriptions: 2 } });
    const alice = await RawClient.connect(endpoint);
    await alice.publish(messages(3));
    alice.subscribe(1, { afterSeq: 0 }, 10, 'No/Such/Name');
    expect(await refusedSubscription(alice, 1)).toBe('invalid-channel');
    alice.send({ case: 'credit', value: { subscription: 1, entries: 5 } });
    alice.send({ case: 'unsubscribe', value: { subscription: 1 } });
    alice.subscribe(2, { afterSeq: 9 });
    expect(await refusedSubscription(alice, 2)).toBe('log-went-back');
    alice.send({
      case: 'subscribe',
      value: { subscription: 3, channel: CHANNEL, group: OTHER_GROUP, start: startToWire({ afterSeq: 0 }), credit: 1 },
    });
    expect(await refusedSubscription(alice, 3)).toBe('foreign-group');
    for (const id of [4, 5, 6]) alice.subscribe(id);
    expect(await refusedSubscription(alice, 6)).toBe('limit');
    await alice.entriesUpTo(5, 3);
  });

  test('a subscriber who was there before another group took the channel', async () => {
    const { endpoint } = await startTestRelay();
    const [alice, mallory] = await Promise.all([RawClient.connect(endpoint), RawClient.connect(endpoint)]);
    alice.subscribe(1);
    await alice.next('caughtUp');
    await mallory.publish([message()], CHANNEL, OTHER_GROUP);
    expect(await refusedSubscription(alice, 1)).toBe('foreign-group');
    expect(alice.entries(1)).toEqual([]);
  });
});

describe('a client that breaks the protocol is refused, and the relay goes on', () => {
  const hello = encodeClientFrame({ case: 'hello', value: { protocolVersion: 1, client: 'test' } });
  const subscribe = encodeClientFrame({
    case: 'subscribe',
    value: { subscription: 1, channel: CHANNEL, group: GROUP, start: startToWire({ afterSeq: 0 }), credit: 1 },
  });
  const cases: Record<string, { frames: Buffer[]; reason: string }> = {
    'bytes that are no protobuf': { frames: [Buffer.from('GET / HTTP/1.1\r\n')], reason: 'protocol-error' },
    'bytes that are no protobuf, after Hello': { frames: [hello, Buffer.alloc(100, 0xff)], reason: 'protocol-error' },
    'an empty frame': { frames: [Buffer.alloc(0)], reason: 'protocol-error' },
    'a frame of an unknown kind': { frames: [hello, Buffer.from([0x7a, 0x00])], reason: 'protocol-error' },
    'no Hello': { frames: [subscribe], reason: 'protocol-error' },
    'a second Hello': { frames: [hello, hello], reason: 'protocol-error' },
    'a newer version': {
      frames: [encodeClientFrame({ case: 'hello', value: { protocolVersion: 2, client: 'test' } })],
      reason: 'unsupported-version',
    },
    'a subscription number that is in use': { frames: [hello, subscribe, subscribe], reason: 'protocol-error' },
    'credit for an unknown subscription': {
      frames: [hello, encodeClientFrame({ case: 'credit', value: { subscription: 9, entries: 1 } })],
      reason: 'protocol-error',
    },
    'the end of an unknown subscription': {
      frames: [hello, encodeClientFrame({ case: 'unsubscribe', value: { subscription: 9 } })],
      reason: 'protocol-error',
    },
    'a cursor beyond 2^53': {
      frames: [
        hello,
        encodeClientFrame({
          case: 'subscribe',
          value: {
            subscription: 1,
            channel: CHANNEL,
            group: GROUP,
            start: { case: 'afterSeq', value: 2n ** 60n },
            credit: 1,
          },
        }),
      ],
      reason: 'protocol-error',
    },
    'a key package reference without bytes': {
      frames: [hello, encodeClientFrame({ case: 'awaitWelcome', value: {} })],
      reason: 'malformed',
    },
  };

  test.each(Object.entries(cases))('%s', async (_, { frames, reason }) => {
    const { endpoint } = await startTestRelay();
    const honest = await RawClient.connect(endpoint);
    const hostile = new RawClient(endpoint);
    for (const frame of frames) hostile.sendBytes(frame);
    expect(await hostile.refusal()).toBe(reason);
    expect(await honest.publish([message()])).toMatchObject([{ kind: 'accepted', seq: 1 }]);
  });

  test('a frame beyond the limit ends that call only', async () => {
    const { endpoint } = await startTestRelay({ limits: { maxPayloadBytes: 1000, maxFrameBytes: 10_000 } });
    const honest = await RawClient.connect(endpoint);
    const hostile = await RawClient.connect(endpoint);
    hostile.sendBytes(Buffer.alloc(10_001));
    expect((await hostile.ended).code).toBe(status.RESOURCE_EXHAUSTED);
    expect(await honest.publish([message()])).toMatchObject([{ kind: 'accepted' }]);
  });

  test('a client that never says Hello', async () => {
    const clock = settableClock();
    const { endpoint } = await startTestRelay({ clock });
    const silent = new RawClient(endpoint);
    const greeted = await RawClient.connect(endpoint);
    clock.time += 10_000;
    clock.runDue();
    expect(await silent.refusal()).toBe('protocol-error');
    await pong(greeted);
  });

  test('a client that waits for too many Welcomes', async () => {
    const { endpoint } = await startTestRelay({ limits: { maxWelcomeWaits: 2 } });
    const alice = await RawClient.connect(endpoint);
    for (let count = 0; count < 3; count += 1)
      alice.send({ case: 'awaitWelcome', value: { keyPackageRef: fresh(32) } });
    expect(await alice.refusal()).toBe('limit');
  });
});

describe('the end of a connection', () => {
  test('by the client: what it published before is answered', async () => {
    const { endpoint } = await startTestRelay();
    const alice = await RawClient.connect(endpoint);
    const answers = alice.publish(messages(3));
    alice.halfClose();
    expect(await answers).toHaveLength(3);
    expect((await alice.ended).code).toBe(status.OK);
  });

  test('by the relay: what was published is answered, then the stream is unavailable', async () => {
    const relay = await startTestRelay();
    const [alice, bob] = await Promise.all([RawClient.connect(relay.endpoint), RawClient.connect(relay.endpoint)]);
    bob.subscribe(1);
    await bob.next('caughtUp');
    const answers = alice.publish(messages(3));
    await pong(alice); // the publish has been read
    const closing = relay.close();
    expect(await answers).toMatchObject([{ seq: 1 }, { seq: 2 }, { seq: 3 }]);
    expect((await alice.ended).code).toBe(status.UNAVAILABLE);
    expect((await bob.ended).code).toBe(status.UNAVAILABLE);
    await closing;
    expect(await relay.closed).toBeUndefined();
  });

  test('by both at once: what was published is answered, and the relay closes', async () => {
    const relay = await startTestRelay();
    const alice = await RawClient.connect(relay.endpoint);
    const answers = alice.publish(messages(100, 0n, 20_000));
    while (relay.load().unansweredBytes === 0) await alice.settle();
    const closing = relay.close();
    alice.halfClose();
    expect(await answers).toHaveLength(100);
    await alice.ended;
    await closing;
  });

  test('by a relay that closes while a client does not read: it is cut off after a while', async () => {
    const clock = settableClock();
    const relay = await startTestRelay({ clock });
    const [alice, stuck] = await Promise.all([RawClient.connect(relay.endpoint), RawClient.connect(relay.endpoint)]);
    stuck.subscribe(1, { afterSeq: 0 }, 10_000);
    await stuck.next('caughtUp');
    stuck.pause();
    while (relay.load().unreadBytes < 256 * 1024) await alice.publish(messages(64, 0n, 4096));
    let isClosed = false;
    const closing = relay.close().then(() => (isClosed = true));
    expect((await alice.ended).code).toBe(status.UNAVAILABLE);
    expect(isClosed).toBe(false);
    clock.time += 2000;
    clock.runDue();
    await closing;
  });

  test('by a log whose thread dies: streams end as unavailable, and the relay says why it ended', async () => {
    const threads: Worker[] = [];
    const track = (worker: Worker): void => void threads.push(worker);
    process.on('worker', track);
    const relay = await startTestRelay();
    process.off('worker', track);
    const alice = await RawClient.connect(relay.endpoint);
    await alice.publish([message()]);
    await threads[0]?.terminate();
    expect(await relay.closed).toMatchObject({ code: 'store_error' });
    expect((await alice.ended).code).toBe(status.UNAVAILABLE);
  });

  test('a relay that was closed leaves its port and its directory to the next', async () => {
    const dataDir = await temporaryDirectory();
    const first = await startTestRelay({ dataDir });
    await expect(startTestRelay({ dataDir })).rejects.toMatchObject({ code: 'data_dir_in_use' });
    await expect(startTestRelay({ port: first.port })).rejects.toMatchObject({ code: 'connection_error' });
    await first.close();
    await first.close();
    const second = await startTestRelay({ dataDir, port: first.port });
    await RawClient.connect(second.endpoint);
  });
});

describe('options', () => {
  test('an open address is refused unless it is asked for', async () => {
    await expect(startTestRelay({ host: '0.0.0.0' })).rejects.toMatchObject({
      code: 'invalid_argument',
      message: expect.stringContaining('--insecure-open') as string,
    });
    await expect(startTestRelay({ host: '127.0.0.1.evil.example' })).rejects.toMatchObject({
      code: 'invalid_argument',
    });
    const open = await startTestRelay({ host: '0.0.0.0', insecureOpen: true });
    await RawClient.connect(`http://127.0.0.1:${open.port}`);
  });

  test.each([
    [{ port: 65_536 }, 'Expected `port` to be an integer from 0 to 65535, got 65536.'],
    [{ retentionMs: 0 }, 'Expected `retentionMs`'],
    [{ limits: { maxBatchEntries: 0 } }, 'Expected `limits.maxBatchEntries`'],
    [{ limits: { maxPayloadBytes: 5_000_000 } }, 'Expected `limits.maxPayloadBytes`'],
  ])('%j is refused', async (options, text) => {
    await expect(startTestRelay(options)).rejects.toThrow(text);
  });
});

/** Everything that the relay had to do before has been done when the pong is there. */
async function pong(client: RawClient): Promise<void> {
  const nonce = BigInt(client.frames.length + 1);
  client.send({ case: 'ping', value: { nonce } });
  await client.next('pong', (value) => value.nonce === nonce);
}

async function refusedSubscription(client: RawClient, subscription: number): Promise<string> {
  const { reason } = await client.next('subscriptionRefused', (value) => value.subscription === subscription);
  return refusalFromWire(reason);
}

interface SettableClock {
  time: number;
  now(): number;
  schedule(delayMs: number, task: () => void): () => void;
  /** Runs what is due by now. */
  runDue(): void;
}

function settableClock(): SettableClock {
  const tasks = new Set<{ at: number; task: () => void }>();
  const clock: SettableClock = {
    time: 1_700_000_000_000,
    now: () => clock.time,
    schedule(delayMs, task) {
      const entry = { at: clock.time + delayMs, task };
      tasks.add(entry);
      return () => tasks.delete(entry);
    },
    runDue() {
      for (const entry of tasks) {
        if (entry.at > clock.time) continue;
        tasks.delete(entry);
        entry.task();
      }
    },
  };
  return clock;
}
