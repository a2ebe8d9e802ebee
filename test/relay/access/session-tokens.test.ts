import { status } from '@grpc/grpc-js';
import { describe, expect, test } from 'vitest';
import { TransportError } from '../../../src/base/errors.ts';
import { RawClient } from '../support/raw-client.ts';
import { startTestRelay } from '../support/relay.ts';
import { CHANNEL, fresh, message, messages } from '../support/submissions.ts';
import { A, B, overriding, pong, startGuardedRelay } from './support/guarded-relay.ts';
import type { GuardedRelay } from './support/guarded-relay.ts';
import { hs256, OTHER_SECRET } from './support/tokens.ts';

const HOUR = 3_600_000;

async function authenticate(client: RawClient, token: string): Promise<bigint | string> {
  const seen = client.frames.length;
  client.send({ case: 'authenticate', value: { token } });
  for (;;) {
    const answer = client.frames
      .slice(seen)
      .find((frame) => frame.case === 'authenticated' || frame.case === 'authenticationRefused');
    if (answer?.case === 'authenticated') return answer.value.tokenExpiresAtMs;
    if (answer?.case === 'authenticationRefused') return answer.value.detail;
    await Promise.race([client.changed(), client.ended.then(({ details }) => Promise.reject(new Error(details)))]);
  }
}

describe('the token of a call', () => {
  test('is told its end in Ready, with the clock that it is meant by', async () => {
    const { endpoint, clock, token } = await startGuardedRelay();
    const client = new RawClient(endpoint, token(A));
    client.hello();
    const expected = { tokenExpiresAtMs: BigInt(clock.now() + HOUR), clockMs: BigInt(clock.now()) };
    expect(await client.next('ready')).toMatchObject(expected);
  });

  test.each<[string, (relay: GuardedRelay) => string | undefined]>([
    ['missing', () => undefined],
    ['no token', () => 'hello'],
    ['made with another secret', ({ clock }) => hs256({ sub: A, exp: clock.now() + HOUR }, OTHER_SECRET)],
    ['expired', ({ token, clock }) => token(A, { exp: clock.now() / 1000 - 31 })],
  ])('that is %s ends the call before any frame acts', async (_, tokenOf) => {
    const relay = await startGuardedRelay();
    const client = new RawClient(relay.endpoint, tokenOf(relay));
    client.hello();
    client.subscribe(1);
    const answer = client.publish([message()]).catch(() => 'none');
    const { code, details } = await client.ended;
    expect(code).toBe(status.UNAUTHENTICATED);
    expect(details).toMatch(/^auth error: /);
    expect(await answer).toBe('none');
    expect(client.frames).toEqual([]);
    expect(await relay.engine.state(CHANNEL)).toBeUndefined();
    while (relay.server.holdings().length > 0) await client.settle();
  });

  test('is verified before the frames that came with it', async () => {
    const gate = held();
    const relay = await startGuardedRelay({ beforeVerifying: gate.wait });
    const client = new RawClient(relay.endpoint, relay.token(A));
    client.hello();
    const answer = client.publish([message()]);
    await gate.reached;
    for (let turn = 0; turn < 20; turn += 1) await client.settle();
    expect(client.frames).toEqual([]);
    gate.open();
    expect(await answer).toMatchObject([{ kind: 'accepted' }]);
  });

  test('keeps the frames that come before it is verified at the client, but for a window', async () => {
    const gate = held();
    const relay = await startGuardedRelay({ beforeVerifying: gate.wait });
    const client = new RawClient(relay.endpoint, relay.token(A));
    client.hello();
    const answers = Array.from({ length: 60 }, () => client.publish([message(0n, fresh(200_000))]));
    await gate.reached;
    for (let turn = 0, before = 0; turn < 100; turn = client.unsent === before ? turn + 1 : 0) {
      before = client.unsent;
      await client.settle();
    }
    expect(client.unsent).toBeGreaterThan(40); // of 12 MB, no more than 4 are on their way
    gate.open();
    for (const answer of answers) expect(await answer).toMatchObject([{ kind: 'accepted' }]);
  });

  test('that cannot be verified just now asks the client to come again', async () => {
    const relay = await startGuardedRelay({
      beforeVerifying: () => {
        throw new TransportError('connection_error', 'the key set cannot be fetched');
      },
    });
    expect((await new RawClient(relay.endpoint, relay.token(A)).ended).code).toBe(status.UNAVAILABLE);
  });

  test('whose client is gone before it is verified leaves nothing behind', async () => {
    const gate = held();
    const relay = await startGuardedRelay({ beforeVerifying: gate.wait });
    const client = new RawClient(relay.endpoint, relay.token(A));
    await gate.reached;
    client.close();
    while (relay.server.holdings().length > 0) await client.settle();
    gate.open();
    await pong(await relay.connect(A));
  });

  test('that is being verified when the relay closes does not hold it up', async () => {
    const gate = held();
    const relay = await startGuardedRelay({ beforeVerifying: gate.wait });
    const client = new RawClient(relay.endpoint, relay.token(A));
    await gate.reached;
    const closing = relay.server.close();
    expect((await client.ended).code).toBe(status.UNAVAILABLE);
    await closing;
    gate.open();
  });
});

describe('a token that is renewed on the live stream', () => {
  test('holds from then on: the stream outlives the first one', async () => {
    const { clock, token, connect } = await startGuardedRelay();
    const client = await connect(A);
    clock.advance(HOUR / 2);
    expect(await authenticate(client, token(A))).toBe(BigInt(clock.now() + HOUR));
    clock.advance(HOUR);
    await pong(client);
    clock.advance(30_000);
    expect((await client.ended).code).toBe(status.UNAUTHENTICATED);
  });

  test('is refused for another account, or when it is not sound, and the one before holds', async () => {
    const { clock, token, connect } = await startGuardedRelay();
    const client = await connect(A);
    expect(await authenticate(client, token(B))).toMatch('another account');
    expect(await authenticate(client, token(A, { exp: 0 }))).toMatch('expired');
    expect(await authenticate(client, '')).toMatch('asks for a token');
    clock.advance(HOUR);
    expect(await client.publish([message()])).toMatchObject([{ kind: 'accepted' }]);
    clock.advance(30_000);
    expect((await client.ended).code).toBe(status.UNAUTHENTICATED);
  });

  test('under load loses and doubles nothing', async () => {
    const { clock, token, connect } = await startGuardedRelay({
      engine: 'sqlite',
      limits: { messagesPerSecond: 1_000_000, stuckReaderMs: 24 * HOUR }, // hours pass while frames are under way
    });
    const [writer, reader] = [await connect(A), await connect(A)];
    reader.subscribe(1, { afterSeq: 0 }, 100_000);
    await reader.next('caughtUp');
    const sent = [];
    const answers = [];
    let renewals = 0;
    for (let round = 0; round < 40; round += 1) {
      const batch = messages(50);
      sent.push(...batch);
      answers.push(writer.publish(batch));
      if (round % 4 !== 3) continue;
      const both = Promise.all([authenticate(writer, token(A)), authenticate(reader, token(A))]);
      clock.advance(HOUR / 4);
      await both;
      renewals += 1;
    }
    await Promise.all(answers);
    expect(renewals).toBe(10); // 2.5 hours on tokens of one hour
    const got = await reader.entriesUpTo(1, sent.length);
    await pong(reader);
    expect(got.map(({ messageId }) => messageId)).toEqual(sent.map(({ messageId }) => messageId));
    got.forEach(({ prevSeq }, index) => expect(prevSeq).toBe(got[index - 1]?.seq ?? 0));
  });

  test('that allows less ends what it does not allow', async () => {
    const { token, connect } = await startGuardedRelay();
    const client = await connect(A);
    await client.publish([message()]);
    client.subscribe(1);
    await client.entriesUpTo(1, 1);
    client.send({ case: 'awaitWelcome', value: { keyPackageRef: new Uint8Array(32) } });
    await pong(client);
    await authenticate(client, token(A, { scope: 'write' }));
    expect(await client.next('subscriptionRefused')).toMatchObject({
      subscription: 1,
      detail: expect.stringMatching('read') as string,
    });
    expect(await client.next('welcomeRefused')).toMatchObject({ detail: expect.stringMatching('read') as string });
    expect(await client.publish([message()])).toMatchObject([{ kind: 'accepted' }]);
    await authenticate(client, token(A));
    client.subscribe(1);
    await client.entriesUpTo(1, 3);
  });

  test('may not come by the hundred', async () => {
    const { token, connect } = await startGuardedRelay();
    const client = await connect(A);
    for (let count = 0; count < 100; count += 1) client.send({ case: 'authenticate', value: { token: token(A) } });
    expect(await client.refusal()).toBe('limit');
  });
});

describe('a token that expires', () => {
  test('ends the stream when its leeway is over, after what was published is answered', async () => {
    const gate = held();
    const { clock, connect, server } = await startGuardedRelay({
      around: (engine) =>
        overriding(engine, {
          append: async (request) => {
            await gate.wait();
            return engine.append(request);
          },
        }),
    });
    const [writer, reader] = [await connect(A), await connect(A)];
    reader.subscribe(1);
    await reader.next('caughtUp');
    clock.advance(HOUR + 29_999);
    const answer = writer.publish(messages(100));
    await gate.reached;
    clock.advance(1);
    expect(await reader.ended).toMatchObject({ code: status.UNAUTHENTICATED, details: 'token expired' });
    expect(server.holdings()).toMatchObject([{ subscriptions: 0, unansweredBytes: expect.any(Number) as number }]);
    gate.open();
    expect(await answer).toHaveLength(100);
    expect(await writer.ended).toMatchObject({ code: status.UNAUTHENTICATED, details: 'token expired' });
  });

  test('takes nothing after its end', async () => {
    const { clock, connect, engine } = await startGuardedRelay();
    const client = await connect(A);
    clock.advance(HOUR + 30_000);
    const answer = client.publish([message()]).catch(() => 'none');
    await client.ended;
    expect(await answer).toBe('none');
    expect(await engine.state(CHANNEL)).toBeUndefined();
  });

  test('neither lives longer nor shorter on a stream because the wall clock jumps', async () => {
    const { clock, connect } = await startGuardedRelay();
    const client = await connect(A);
    clock.jump(2 * HOUR);
    clock.advance(HOUR / 2);
    await pong(client);
    clock.jump(-10 * HOUR);
    clock.advance(HOUR / 2);
    await pong(client);
    clock.advance(30_000);
    expect((await client.ended).code).toBe(status.UNAUTHENTICATED);
  });

  test('may be longer away than a timer can wait', async () => {
    const { clock, connect } = await startGuardedRelay();
    const away = 60 * 24 * HOUR;
    const client = await connect(A, { exp: clock.now() / 1000 + away / 1000 });
    clock.advance(away);
    await pong(client);
    clock.advance(30_000);
    expect((await client.ended).code).toBe(status.UNAUTHENTICATED);
  });
});

describe('an open relay', () => {
  test('takes clients with and without a token, and any Authenticate', async () => {
    const { endpoint } = await startTestRelay();
    const client = new RawClient(endpoint, 'whatever');
    client.hello();
    expect(await client.next('ready')).toMatchObject({ tokenExpiresAtMs: 0n });
    expect(await authenticate(client, 'whatever')).toBe(0n);
    expect(await (await RawClient.connect(endpoint)).publish([message()])).toMatchObject([{ kind: 'accepted' }]);
  });
});

/** Holds back whoever waits until it is opened. */
function held(): { readonly reached: Promise<void>; readonly wait: () => Promise<void>; readonly open: () => void } {
  let open = (): void => undefined;
  let reach = (): void => undefined;
  const opened = new Promise<void>((resolve) => (open = resolve));
  const reached = new Promise<void>((resolve) => (reach = resolve));
  const wait = (): Promise<void> => {
    reach();
    return opened;
  };
  return { reached, wait, open: () => open() };
}
