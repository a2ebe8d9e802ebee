import { status } from '@grpc/grpc-js';
import { afterEach, describe, expect, it } from 'vitest';
import { AuthError } from '../../src/base/errors.ts';
import { connectRelay, encodeServerFrame, entryToWire, refusalToWire } from '../../src/transport/index.ts';
import type {
  ChannelLink,
  ClientFrameShape,
  ConnectRelayOptions,
  LinkEvent,
  RelayTransport,
  ServerFrameInit,
  TransportStatus,
} from '../../src/transport/index.ts';
import { Recording } from './support/recording.ts';
import { READY, startScriptedRelay } from './support/scripted-relay.ts';
import type { Script, ScriptedCall } from './support/scripted-relay.ts';
import { CHANNEL, GROUP, entriesOf, hasEntries, hasKind, id, message, namesOf } from './support/submissions.ts';

/** Reconnects fast; everything else is as by default. */
const FAST = { minReconnectDelayMs: 5, maxReconnectDelayMs: 20 };

const transports: RelayTransport[] = [];
const relays: AsyncDisposable[] = [];

afterEach(async () => {
  await Promise.all(transports.splice(0).map((transport) => transport.close()));
  await Promise.all(relays.splice(0).map((relay) => relay[Symbol.asyncDispose]()));
});

interface Meeting {
  readonly transport: RelayTransport;
  readonly statuses: Recording<TransportStatus>;
  readonly link: ChannelLink;
}

/** A client and a relay that follows a script. */
async function meet(script: Script, options: Partial<ConnectRelayOptions> = {}): Promise<Meeting> {
  const relay = await startScriptedRelay(script);
  relays.push(relay);
  const transport = connectRelay({ endpoint: relay.endpoint, ...FAST, ...options });
  transports.push(transport);
  const link = transport.open({ channel: CHANNEL, group: GROUP, start: { afterSeq: 0 }, credit: 3 });
  return { transport, statuses: new Recording(transport.status$), link };
}

/** Greets every client; `next` sees the frames after that. */
function greeting(next: (frame: ClientFrameShape, call: ScriptedCall, connection: number) => void): Script {
  const numbers = new Map<ScriptedCall, number>();
  return {
    open: (call) => numbers.set(call, numbers.size + 1),
    frame: (frame, call) => {
      if (frame.case === 'hello') call.send(READY);
      else next(frame, call, numbers.get(call)!);
    },
  };
}

function entry(seq: number, prevSeq = seq - 1): ReturnType<typeof entryToWire> {
  const { kind, epoch, payload } = message(`m${seq}`);
  return entryToWire({ seq, prevSeq, kind, epoch, payload, messageId: id(`m${seq}`), storedAtMs: 1 });
}

function deliver(...seqs: readonly number[]): ServerFrameInit {
  return { case: 'deliver', value: { subscription: 1, entries: seqs.map((seq) => entry(seq)) } };
}

function online(statuses: Recording<TransportStatus>, times = 1): Promise<void> {
  return statuses.until((all) => all.filter(({ kind }) => kind === 'online').length >= times);
}

function offline(statuses: Recording<TransportStatus>): Promise<void> {
  return statuses.until((all) => all.some(({ kind }) => kind === 'offline'));
}

function firstOffline(statuses: Recording<TransportStatus>): TransportStatus | undefined {
  return statuses.events.find(({ kind }) => kind === 'offline');
}

describe('gRPC transport: connecting', () => {
  it('greets with its protocol version and the token, asked for anew for each attempt', async () => {
    const seen: (string | undefined)[] = [];
    let asked = 0;
    const { transport, statuses, link } = await meet(
      {
        open: (call) => seen.push(call.authorization),
        frame: (frame, call) => {
          expect(frame).toMatchObject({ case: 'hello', value: { protocolVersion: 1, client: 'skytale-rx' } });
          if (seen.length < 3) call.fail(status.UNAVAILABLE, 'not yet');
          else call.send(READY);
        },
      },
      { token: async () => `token-${(asked += 1)}` },
    );
    await expect(link.publish([message('a')])).rejects.toMatchObject({ code: 'connection_error' });
    await online(statuses);

    expect(seen).toEqual(['Bearer token-1', 'Bearer token-2', 'Bearer token-3']);
    expect(transport.status$.value).toEqual({ kind: 'online' });
  });

  it('gives up when the relay does not know its protocol version', async () => {
    let calls = 0;
    const value = { reason: refusalToWire('unsupported-version'), detail: 'this relay speaks version 2' };
    const { transport, statuses, link } = await meet({
      open: () => (calls += 1),
      frame: (_, call) => call.send({ case: 'connectionRefused', value }),
    });
    const reader = new Recording(link.events$);
    const welcome = expect(transport.awaitWelcome(id('ref'))).rejects.toMatchObject({ code: 'unsupported_version' });
    await reader.until((_, end) => end === 'completed');
    await welcome;

    expect(reader.events).toEqual([
      {
        kind: 'refused',
        reason: 'unsupported-version',
        error: expect.objectContaining({ code: 'unsupported_version' }) as unknown,
      },
    ]);
    expect(statuses.events.map(({ kind }) => kind)).toEqual(['idle', 'connecting', 'refused']);
    expect(statuses.events.at(-1)).toMatchObject({
      cause: { message: expect.stringContaining('speaks version 2') as unknown },
    });
    await expect(link.publish([message('a')])).rejects.toMatchObject({ code: 'unsupported_version' });
    expect(new Recording(link.events$).events).toHaveLength(1);
    expect(calls).toBe(1);
  });

  it('gives up when the relay answers with another version', async () => {
    const value = { protocolVersion: 2, maxPayloadBytes: 1, maxBatchEntries: 1 };
    const { statuses, link } = await meet({ frame: (_, call) => call.send({ case: 'ready', value }) });
    new Recording(link.events$);
    await statuses.until((all) => all.at(-1)?.kind === 'refused');

    expect(statuses.events.at(-1)).toMatchObject({ cause: { code: 'unsupported_version' } });
  });

  it.each([
    ['the relay says UNAUTHENTICATED', { open: (call) => call.fail(status.UNAUTHENTICATED, 'no') }, {}, 'auth_failed'],
    [
      'the relay says PERMISSION_DENIED',
      { open: (call) => call.fail(status.PERMISSION_DENIED, 'no') },
      {},
      'unauthorized',
    ],
    [
      'there is no token because the key is bad',
      {},
      { token: () => Promise.reject(new AuthError('auth_key_invalid', 'bad key')) },
      'auth_key_invalid',
    ],
    ['the token cannot be sent', {}, { token: async () => 'sk live\n' }, 'auth_failed'],
  ] satisfies [string, Script, Partial<ConnectRelayOptions>, string][])(
    'gives up when %s',
    async (_, script, options, code) => {
      const { statuses, link } = await meet(script, options);
      const reader = new Recording(link.events$);
      await reader.until((__, end) => end === 'completed');

      expect(reader.events).toMatchObject([{ kind: 'refused', reason: 'unauthorized', error: { code } }]);
      expect(statuses.events.at(-1)).toMatchObject({ kind: 'refused', cause: { code } });
      expect(JSON.stringify(statuses.events)).not.toContain('sk live');
    },
  );

  it('comes back with a fresh token when the relay no longer takes the old one', async () => {
    const tokens: (string | undefined)[] = [];
    let asked = 0;
    const { statuses, link } = await meet(
      {
        open: (call) => tokens.push(call.authorization),
        frame: (frame, call) => {
          if (frame.case === 'hello') call.send(READY);
          else if (tokens.length === 1) call.fail(status.UNAUTHENTICATED, 'expired');
        },
      },
      { token: async () => `token-${(asked += 1)}` },
    );
    new Recording(link.events$);
    await online(statuses, 2);

    expect(tokens).toEqual(['Bearer token-1', 'Bearer token-2']);
  });

  it('tries again when the token could not be had just now', async () => {
    let asked = 0;
    const { statuses, link } = await meet(
      greeting(() => undefined),
      {
        token: () => ((asked += 1) === 1 ? Promise.reject(new Error('network')) : Promise.resolve(undefined)),
      },
    );
    new Recording(link.events$);
    await online(statuses);

    expect(statuses.events.map(({ kind }) => kind)).toEqual(['idle', 'connecting', 'offline', 'connecting', 'online']);
  });

  it('tries again when no token comes', async () => {
    const { statuses, link } = await meet({}, { token: () => new Promise(() => undefined), connectTimeoutMs: 20 });
    new Recording(link.events$);
    await offline(statuses);

    expect(firstOffline(statuses)).toMatchObject({ cause: { code: 'connection_error' } });
  });

  it('tries again when the relay does not answer', async () => {
    const { statuses, link } = await meet({}, { connectTimeoutMs: 50 });
    new Recording(link.events$);
    await offline(statuses);

    expect(firstOffline(statuses)).toMatchObject({ attempt: 1, cause: { code: 'connection_error' } });
  });

  it('does not ask a proxy of the environment for the way to this machine', async () => {
    process.env['http_proxy'] = 'http://127.0.0.1:9';
    try {
      const { statuses, link } = await meet(greeting(() => undefined));
      new Recording(link.events$);
      await online(statuses);
      expect(firstOffline(statuses)).toBeUndefined();
    } finally {
      delete process.env['http_proxy'];
    }
  });
});

describe('gRPC transport: a relay that breaks the rules', () => {
  const pong = encodeServerFrame({ case: 'pong', value: { nonce: 1n } });

  it.each<[string, (call: ScriptedCall) => void]>([
    ['sends bytes that are no protobuf', (call) => call.sendBytes(Buffer.from('HTTP/1.1 400 Bad Request'))],
    ['sends half a frame', (call) => call.sendBytes(pong.subarray(0, -1))],
    ['delivers backwards', (call) => call.send(deliver(2, 1))],
    [
      'delivers an entry twice',
      (call) => {
        call.send(deliver(1));
        call.send(deliver(1));
      },
    ],
    ['delivers more than it has credit for', (call) => call.send(deliver(1, 2, 3, 4))],
    [
      'delivers to a subscription that was never made',
      (call) => call.send({ case: 'deliver', value: { subscription: 7, entries: [entry(1)] } }),
    ],
    [
      'tells a notice to a subscription that was never made',
      (call) => call.send({ case: 'notice', value: { subscription: 7, topic: 1 } }),
    ],
    [
      'tells a gap that was passed already',
      (call) => {
        call.send(deliver(5));
        call.send({ case: 'gap', value: { subscription: 1, afterSeq: 1n, resumesAtSeq: 3n } });
      },
    ],
    ['is ready twice', (call) => call.send(READY)],
    ['answers nothing that was asked', (call) => call.send({ case: 'published', value: { request: 9, answers: [] } })],
    ['hands over a Welcome to no channel', (call) => call.send({ case: 'welcome', value: { channel: 'nowhere' } })],
  ])('is left and tried again when it %s', async (_, misbehave) => {
    const { statuses, link } = await meet(
      greeting((frame, call, connection) => {
        if (frame.case === 'subscribe' && connection === 1) misbehave(call);
      }),
    );
    const reader = new Recording(link.events$);
    await reader.until(hasKind('online', 2));

    expect(firstOffline(statuses)).toMatchObject({ cause: { code: 'protocol_error' } });
    expect(reader.events.find(({ kind }) => kind === 'offline')).toMatchObject({ cause: { code: 'protocol_error' } });
  });

  it.each<[string, ServerFrameInit]>([
    ['delivers before it is ready', deliver(1)],
    ['does not tell its limits', { case: 'ready', value: { protocolVersion: 1 } }],
  ])('is left when it %s', async (_, frame) => {
    const { statuses, link } = await meet({ frame: (__, call) => call.send(frame) });
    new Recording(link.events$);
    await offline(statuses);

    expect(firstOffline(statuses)).toMatchObject({ cause: { code: 'protocol_error' } });
  });

  it('is left when it gives two answers to one submission; the publish is lost, not resolved', async () => {
    const { link } = await meet(
      greeting((frame, call) => {
        if (frame.case !== 'publish') return;
        const answer = { result: { case: 'accepted', value: { seq: 1n } } } as const;
        call.send({ case: 'published', value: { request: frame.value.request, answers: [answer, answer] } });
      }),
    );

    await expect(link.publish([message('a')])).rejects.toMatchObject({
      code: 'connection_lost',
      cause: { code: 'protocol_error' },
    });
  });

  it('hands a broken chain of predecessors on: that is for the reader to judge', async () => {
    const { link } = await meet(
      greeting((frame, call) => {
        if (frame.case !== 'subscribe') return;
        call.send({ case: 'deliver', value: { subscription: 1, entries: [entry(1), entry(5, 3)] } });
      }),
    );
    const reader = new Recording(link.events$);
    await hasEntries(reader, 2);

    expect(entriesOf(reader).map(({ prevSeq }) => prevSeq)).toEqual([0, 3]);
  });

  it('is passed over where it says what only a newer client knows', async () => {
    const { link } = await meet(
      greeting((frame, call) => {
        if (frame.case !== 'subscribe') return;
        call.sendBytes(Buffer.from([0xa2, 0x06, 0x00])); // field 100
        call.send({ case: 'notice', value: { subscription: 1, topic: 100 as never } });
        call.send(deliver(1));
      }),
    );
    const reader = new Recording(link.events$);
    await hasEntries(reader, 1);
    expect(reader.events.map(({ kind }) => kind)).toEqual(['online', 'entries']);
  });
});

describe('gRPC transport: losing the connection', () => {
  it('subscribes again behind the last entry, with the credit that is left', async () => {
    const subscribes: unknown[] = [];
    const { link } = await meet(
      greeting((frame, call, connection) => {
        if (frame.case !== 'subscribe') return;
        subscribes.push({ start: frame.value.start, credit: frame.value.credit });
        if (connection > 1) return;
        call.send({ case: 'gap', value: { subscription: 1, afterSeq: 0n, resumesAtSeq: 4n } });
        call.send(deliver(4, 5));
        call.fail(status.UNAVAILABLE, 'gone');
      }),
    );
    const reader = new Recording(link.events$);
    await reader.until(hasKind('online', 2));
    await expect.poll(() => subscribes.length).toBe(2);

    expect(subscribes).toEqual([
      { start: { case: 'afterSeq', value: 0n }, credit: 3 },
      { start: { case: 'afterSeq', value: 5n }, credit: 1 },
    ]);
  });

  it('does not tell a gap again that was told right before the loss', async () => {
    const starts: unknown[] = [];
    const { link } = await meet(
      greeting((frame, call, connection) => {
        if (frame.case !== 'subscribe') return;
        starts.push(frame.value.start.value);
        if (connection > 1) return;
        call.send({ case: 'gap', value: { subscription: 1, afterSeq: 0n, resumesAtSeq: 4n } });
        call.fail(status.UNAVAILABLE, 'gone');
      }),
    );
    const reader = new Recording(link.events$);
    await reader.until(hasKind('gap'));
    await expect.poll(() => starts).toEqual([0n, 3n]);
  });

  it('rejects publishes in flight and never sends them again by itself', async () => {
    const published: unknown[] = [];
    const { statuses, link } = await meet(
      greeting((frame, call, connection) => {
        if (frame.case === 'publish') published.push(frame.value.request);
        if (frame.case === 'publish' && connection === 1) call.fail(status.UNAVAILABLE, 'gone');
        if (frame.case === 'ping') call.send({ case: 'pong', value: { nonce: frame.value.nonce } });
      }),
    );
    await expect(link.publish([message('a')])).rejects.toMatchObject({ code: 'connection_lost' });
    await online(statuses, 2);
    const next = expect(link.publish([message('b')])).rejects.toMatchObject({ code: 'connection_lost' });
    await expect.poll(() => published.length).toBe(2);
    await transports[0]!.close();
    await next;

    expect(published).toEqual([1, 1]);
  });

  it('sends what waited for the first connection before what a subscriber publishes on the news', async () => {
    const order: string[] = [];
    const { link } = await meet(
      greeting((frame, call) => {
        if (frame.case !== 'publish') return;
        order.push(...namesOf(frame.value.submissions as never));
        const answers = [{ result: { case: 'accepted', value: { seq: 1n } } }] as const;
        call.send({ case: 'published', value: { request: frame.value.request, answers: [...answers] } });
      }),
    );
    const second = new Promise((resolve) => {
      link.events$.subscribe(({ kind }) => {
        if (kind === 'online') resolve(link.publish([message('second')]));
      });
    });
    await Promise.all([link.publish([message('first')]), second]);

    expect(order).toEqual(['first', 'second']);
  });

  it('drops what was on its way to a subscription that has ended', async () => {
    let call: ScriptedCall | undefined;
    const frames: (string | undefined)[] = [];
    const { link } = await meet(
      greeting((frame, from) => {
        call = from;
        frames.push(frame.case);
      }),
    );
    const first = new Recording(link.events$);
    await expect.poll(() => frames).toEqual(['subscribe']);
    first.stop();
    call!.send(deliver(1));
    const second = new Recording(link.events$);
    await expect.poll(() => frames).toEqual(['subscribe', 'unsubscribe', 'subscribe']);
    call!.send({ case: 'deliver', value: { subscription: 2, entries: [entry(1), entry(2)] } });
    await hasEntries(second, 2);

    expect(entriesOf(first)).toEqual([]);
    expect(entriesOf(second).map(({ seq }) => seq)).toEqual([1, 2]);
  });

  it('hears nothing more of a connection that it has left', async () => {
    const { link } = await meet(
      greeting((frame, call, connection) => {
        if (frame.case !== 'subscribe') return;
        if (connection === 1) {
          call.send(deliver(1));
          call.send(deliver(1)); // breaks the rules
          call.send(deliver(2)); // does not, but comes too late
        } else call.send(deliver(2, 3));
      }),
    );
    const reader = new Recording(link.events$);
    await hasEntries(reader, 3);

    const kinds = reader.events.map((event: LinkEvent) =>
      event.kind === 'entries' ? event.entries.map(({ seq }) => seq) : event.kind,
    );
    expect(kinds).toEqual(['online', [1], 'offline', 'online', [2, 3]]);
  });

  it('tries again when the relay cannot read its log just now', async () => {
    const { statuses, link } = await meet(
      greeting((frame, call, connection) => {
        if (frame.case !== 'subscribe' || connection > 1) return;
        const value = { subscription: 1, reason: refusalToWire('unavailable'), detail: 'disk' };
        call.send({ case: 'subscriptionRefused', value });
      }),
    );
    const reader = new Recording(link.events$);
    await reader.until(hasKind('online', 2));

    expect(firstOffline(statuses)).toMatchObject({ cause: { code: 'transport_error' } });
  });

  it('ends a link that the relay will not serve, and only that', async () => {
    const { transport, link } = await meet(
      greeting((frame, call) => {
        if (frame.case !== 'subscribe') return;
        const { subscription } = frame.value;
        if (subscription === 2) call.send({ case: 'caughtUp', value: { subscription, headSeq: 0n } });
        else {
          const value = { subscription, reason: refusalToWire('foreign-group'), detail: 'theirs' };
          call.send({ case: 'subscriptionRefused', value });
        }
      }),
    );
    const refused = new Recording(link.events$);
    const other = transport.open({ channel: CHANNEL, group: GROUP, start: { afterSeq: 0 }, credit: 1 });
    const served = new Recording(other.events$);
    await served.until(hasKind('caught-up'));

    expect(refused.end).toBe('completed');
    expect(refused.events.at(-1)).toMatchObject({
      kind: 'refused',
      reason: 'foreign-group',
      error: { code: 'channel_exists', message: expect.stringContaining('theirs') as unknown },
    });
    expect(transport.status$.value).toEqual({ kind: 'online' });
  });
});
