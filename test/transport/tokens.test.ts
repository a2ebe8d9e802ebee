import { status } from '@grpc/grpc-js';
import { afterEach, describe, expect, it } from 'vitest';
import { AuthError } from '../../src/base/errors.ts';
import { statedLifeMs } from '../../src/transport/grpc/stated-life.ts';
import { connectRelay } from '../../src/transport/index.ts';
import type {
  ConnectRelayOptions,
  RelayTransport,
  ServerFrameInit,
  TransportStatus,
} from '../../src/transport/index.ts';
import { ManualClock } from '../streams/support.ts';
import { unsignedJwt } from './support/jwt.ts';
import { Recording } from './support/recording.ts';
import { READY, startScriptedRelay } from './support/scripted-relay.ts';
import type { ScriptedCall } from './support/scripted-relay.ts';
import { CHANNEL, GROUP } from './support/submissions.ts';

const LINK = { channel: CHANNEL, group: GROUP, start: { afterSeq: 0 }, credit: 100 };
/** As far as the relay's clock is from the client's. */
const SKEW_MS = 3_600_000;
const LIFE_MS = 100_000;

const open: { transport: RelayTransport; relay: AsyncDisposable }[] = [];

afterEach(async () => {
  for (const { transport, relay } of open.splice(0)) {
    await transport.close();
    await relay[Symbol.asyncDispose]();
  }
});

/** A relay whose tokens last {@link LIFE_MS}, and what it has seen. */
class StrictRelay {
  readonly clock = new ManualClock();
  /** Tokens that came with a call, and those that came on one. */
  readonly presented: (string | undefined)[] = [];
  readonly renewed: string[] = [];
  calls: ScriptedCall[] = [];
  /** What it says to a renewal. */
  answer: ServerFrameInit = { case: 'authenticated', value: this.expiry(LIFE_MS) };
  takesCall: (token: string | undefined) => boolean = () => true;

  expiry(lifeMs: number): { readonly tokenExpiresAtMs: bigint; readonly clockMs: bigint } {
    const clockMs = BigInt(this.clock.now() + SKEW_MS);
    return { tokenExpiresAtMs: clockMs + BigInt(lifeMs), clockMs };
  }

  async serve(options: Omit<ConnectRelayOptions, 'endpoint'>): Promise<Recording<TransportStatus>> {
    const relay = await startScriptedRelay({
      open: (call) => {
        this.presented.push(call.authorization?.replace('Bearer ', ''));
        this.calls.push(call);
        if (!this.takesCall(this.presented.at(-1))) call.fail(status.UNAUTHENTICATED, 'no');
      },
      frame: (frame, call) => {
        if (frame.case === 'ping') call.send({ case: 'pong', value: { nonce: frame.value.nonce } });
        if (frame.case === 'hello')
          call.send({ case: 'ready', value: { ...READY.value, ...this.expiry(LIFE_MS) } as never });
        if (frame.case !== 'authenticate') return;
        this.renewed.push(frame.value.token);
        call.send(this.answer);
      },
    });
    const random = { fraction: () => 0, bytes: (length: number) => new Uint8Array(length) };
    const transport = connectRelay({ endpoint: relay.endpoint, clock: this.clock, random, ...options });
    open.push({ transport, relay });
    transport.open(LINK).events$.subscribe();
    return new Recording(transport.status$);
  }
}

/** Numbers its tokens; `fail` may throw. */
function counting(fail: (asked: number) => void = () => undefined): { asked: number; token: () => Promise<string> } {
  const port = {
    asked: 0,
    token: async (): Promise<string> => {
      port.asked += 1;
      fail(port.asked);
      return `token-${port.asked}`;
    },
  };
  return port;
}

const onlines = (statuses: Recording<TransportStatus>): number =>
  statuses.events.filter(({ kind }) => kind === 'online').length;
const online = (statuses: Recording<TransportStatus>, times = 1): Promise<void> =>
  statuses.until(() => onlines(statuses) >= times);
/** Time passes for a client that hears nothing else: in steps, so that pings are answered meanwhile. */
async function pass(clock: ManualClock, ms: number): Promise<void> {
  for (let left = ms; left > 0; left -= 2_000) {
    clock.advance(Math.min(2_000, left));
    await new Promise((resolve) => setTimeout(resolve, 3));
  }
}

describe('a token on an open stream', () => {
  it('is renewed at 80 % of its life by the clock of the relay, again and again, without a reconnect', async () => {
    const relay = new StrictRelay();
    const port = counting();
    const statuses = await relay.serve({ token: port.token });
    await online(statuses);

    await pass(relay.clock, 79_999);
    expect(relay.renewed).toEqual([]);
    relay.clock.advance(1);
    await expect.poll(() => relay.renewed).toEqual(['token-2']);
    await pass(relay.clock, 2_000);
    await pass(relay.clock, 78_000);
    await expect.poll(() => relay.renewed).toEqual(['token-2', 'token-3']);

    expect(relay.presented).toEqual(['token-1']);
    expect(statuses.events.map(({ kind }) => kind)).toEqual(['connecting', 'online']);
  });

  it('is asked for again while there is time, if none is to be had', async () => {
    const relay = new StrictRelay();
    const port = counting((asked) => {
      if (asked > 1 && asked < 5) throw new Error('no network');
    });
    const statuses = await relay.serve({ token: port.token });
    await online(statuses);
    await pass(relay.clock, 80_000);
    await pass(relay.clock, 5_000);

    await expect.poll(() => relay.renewed).toEqual(['token-5']);
    expect(onlines(statuses)).toBe(1);
  });

  it('is not asked for any more when it must have ended', async () => {
    const relay = new StrictRelay();
    const port = counting((asked) => {
      if (asked > 1) throw new Error('no network');
    });
    const statuses = await relay.serve({ token: port.token });
    await online(statuses);
    await pass(relay.clock, 100_000);
    const asked = port.asked;
    await pass(relay.clock, 40_000);

    expect(asked).toBeGreaterThan(3);
    expect(port.asked).toBe(asked);
    expect(onlines(statuses)).toBe(1);
  });

  it('is replaced by one more if the relay refuses it, then by none', async () => {
    const relay = new StrictRelay();
    relay.answer = { case: 'authenticationRefused', value: { detail: 'no' } };
    const port = counting();
    const statuses = await relay.serve({ token: port.token });
    await online(statuses);
    await pass(relay.clock, 80_000);
    await expect.poll(() => relay.renewed).toEqual(['token-2', 'token-3']);
    await pass(relay.clock, 20_000);

    expect(relay.renewed).toEqual(['token-2', 'token-3']);
    expect(onlines(statuses)).toBe(1);
  });

  it('holds until its end when the account gets no other; only then the transport is refused', async () => {
    const relay = new StrictRelay();
    const port = counting((asked) => {
      if (asked > 1) throw new AuthError('auth_failed', 'revoked');
    });
    const statuses = await relay.serve({ token: port.token });
    await online(statuses);
    await pass(relay.clock, 100_000);
    expect(statuses.events.at(-1)).toEqual({ kind: 'online' });
    expect(port.asked).toBe(2);
    relay.calls[0]?.fail(status.UNAUTHENTICATED, 'expired');
    await statuses.until((all) => all.at(-1)?.kind === 'refused');

    expect(statuses.events.at(-1)).toMatchObject({ cause: { code: 'auth_failed' } });
  });

  it('is replaced at once when it ends, and with growing waits when that goes on', async () => {
    const relay = new StrictRelay();
    const statuses = await relay.serve({ token: counting().token });
    await online(statuses);
    relay.calls[0]?.fail(status.UNAUTHENTICATED, 'expired');
    await online(statuses, 2); // no clock was advanced
    relay.calls[1]?.fail(status.UNAUTHENTICATED, 'expired');
    await statuses.until((all) => all.filter(({ kind }) => kind === 'offline').length === 2);
    relay.clock.advance(200);
    await online(statuses, 3);

    expect(relay.presented).toEqual(['token-1', 'token-2', 'token-3']);
    expect(statuses.events.flatMap((event) => (event.kind === 'offline' ? [event.retryInMs] : []))).toEqual([0, 200]);
  });
});

describe('a token at hand', () => {
  const jwt = (relay: StrictRelay, name: string, lifeMs = LIFE_MS): string => {
    const iat = relay.clock.now() / 1000;
    return unsignedJwt({ iat, exp: iat + lifeMs / 1000, name });
  };

  it('serves further connections for 80 % of its life, if it says when it ends', async () => {
    const relay = new StrictRelay();
    let asked = 0;
    const statuses = await relay.serve({ token: async () => jwt(relay, `${(asked += 1)}`, 10_000) });
    await online(statuses);
    for (const [index, lastsMs] of [0, 0, 7_400].entries()) {
      relay.clock.advance(lastsMs);
      relay.calls[index]?.fail(status.UNAVAILABLE, 'gone');
      await statuses.until((all) => all.filter(({ kind }) => kind === 'offline').length > index);
      relay.clock.advance(800);
      await online(statuses, index + 2);
    }

    expect(new Set(relay.presented.slice(0, 3)).size).toBe(1);
    expect(relay.presented[3]).not.toBe(relay.presented[0]);
    expect(asked).toBe(2);
  });

  it('is replaced at once when the relay does not take it any more', async () => {
    const relay = new StrictRelay();
    let asked = 0;
    const statuses = await relay.serve({ token: async () => jwt(relay, `${(asked += 1)}`) });
    await online(statuses);
    const [first] = relay.presented;
    relay.takesCall = (token) => token !== first;
    relay.calls[0]?.fail(status.UNAVAILABLE, 'gone');
    await statuses.until((all) => all.some(({ kind }) => kind === 'offline'));
    relay.clock.advance(200);
    await online(statuses, 2);

    expect(relay.presented).toEqual([first, first, expect.anything()]);
    expect(asked).toBe(2);
  });

  it('is the last one if it was made for the very attempt and is not taken', async () => {
    const relay = new StrictRelay();
    let asked = 0;
    relay.takesCall = () => false;
    const statuses = await relay.serve({ token: async () => jwt(relay, `${(asked += 1)}`) });
    await statuses.until((all) => all.at(-1)?.kind === 'refused');

    expect(asked).toBe(1);
  });

  it('is asked for until it is taken, with growing waits, by a client that was let in before', async () => {
    const relay = new StrictRelay();
    let asked = 0;
    const statuses = await relay.serve({ token: async () => jwt(relay, `${(asked += 1)}`, 0) });
    await online(statuses);
    relay.takesCall = () => asked >= 5;
    relay.calls[0]?.fail(status.UNAUTHENTICATED, 'expired');
    for (let offline = 1; offline <= 4; offline += 1) {
      await statuses.until((all) => all.filter(({ kind }) => kind === 'offline').length >= offline);
      relay.clock.advance(10_000);
    }
    await online(statuses, 2);

    expect(asked).toBe(5);
    const waits = statuses.events.flatMap((event) => (event.kind === 'offline' ? [event.retryInMs] : []));
    expect(waits).toEqual([0, 200, 400, 800]);
  });
});

describe('what a token says of itself', () => {
  it.each([
    ['its end', unsignedJwt({ exp: 1000 }), 400_000],
    ['its end, later than it can be by a clock that is behind', unsignedJwt({ iat: 900, exp: 1000 }), 100_000],
    ['no end', unsignedJwt({ iat: 900 }), undefined],
    ['an end that is no number', unsignedJwt({ exp: 'soon' as never }), undefined],
    ['nothing', 'opaque', undefined],
    ['nothing, in three parts', 'a.b.c', undefined],
    ['nothing, in three parts of JSON', `a.${Buffer.from('null').toString('base64url')}.c`, undefined],
  ])('%s', (_, token, expected) => {
    expect(statedLifeMs(token, 600_000)).toBe(expected);
  });
});
