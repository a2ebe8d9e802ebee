import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { ServerCredentials, status } from '@grpc/grpc-js';
import { describe, expect, it } from 'vitest';
import { connectRelay, createMemoryRelay } from '../../src/transport/index.ts';
import type { ConnectRelayOptions, RelayTransport, TransportStatus } from '../../src/transport/index.ts';
import { ManualClock } from '../streams/support.ts';
import { bridgeTo } from './support/bridge.ts';
import { freePort } from '../support/free-port.ts';
import { Recording } from './support/recording.ts';
import { READY, startScriptedRelay } from './support/scripted-relay.ts';
import { CHANNEL, GROUP, entriesOf, hasEntries, hasKind, message, namesOf } from './support/submissions.ts';
import { TcpProxy } from './support/tcp-proxy.ts';

const LINK = { channel: CHANNEL, group: GROUP, start: { afterSeq: 0 }, credit: 100 };

/** How long it waits after each of `failures` failures, with chance at `fraction`. */
async function waits(
  transport: RelayTransport,
  clock: ManualClock,
  failures: number,
  beforeEach: () => Promise<void> = () => Promise.resolve(),
): Promise<readonly number[]> {
  const delays: number[] = [];
  const statuses = new Recording(transport.status$);
  const offlines = (): readonly TransportStatus[] => statuses.events.filter(({ kind }) => kind === 'offline');
  transport.open(LINK).events$.subscribe();
  while (delays.length < failures) {
    await beforeEach();
    await statuses.until(() => offlines().length > delays.length);
    const { retryInMs } = offlines().at(-1) as Extract<TransportStatus, { kind: 'offline' }>;
    delays.push(retryInMs);
    clock.advance(retryInMs - 1);
    expect(transport.status$.value.kind).toBe('offline');
    clock.advance(1);
    expect(transport.status$.value.kind).toBe('connecting');
  }
  return delays;
}

describe('gRPC transport: reconnecting', () => {
  it.each([
    ['shortest', 0, [200, 400, 800, 1600, 3200, 6400]],
    ['longest', 1, [300, 600, 1200, 2400, 4800, 9600]],
  ])('waits longer after each failure, at the %s jitter, from 200 ms', async (_, fraction, expected) => {
    const clock = new ManualClock();
    const random = { fraction: () => fraction, bytes: (length: number) => new Uint8Array(length) };
    const transport = connectRelay({ endpoint: `http://127.0.0.1:${await freePort()}`, clock, random });
    const delays = await waits(transport, clock, 10);
    await transport.close();

    expect(delays.slice(0, 6)).toEqual(expected);
    expect(Math.max(...delays)).toBeLessThanOrEqual(10_000);
    expect(delays.at(-1)).toBeGreaterThan(6000);
    expect(clock.pending).toBe(0);
  });

  it('leaves no timer behind when it is closed, whatever it was doing', async () => {
    const endpoint = `http://127.0.0.1:${await freePort()}`;
    await using relay = await startScriptedRelay({
      frame: (frame, call) => {
        if (frame.case === 'hello') call.send(READY);
      },
    });
    const cases: readonly [TransportStatus['kind'], Omit<ConnectRelayOptions, 'clock'>][] = [
      ['connecting', { endpoint, token: () => new Promise(() => undefined) }],
      ['connecting', { endpoint }],
      ['offline', { endpoint }],
      ['online', { endpoint: relay.endpoint }],
    ];
    for (const [kind, options] of cases) {
      const clock = new ManualClock();
      const transport = connectRelay({ ...options, clock });
      const statuses = new Recording(transport.status$);
      transport.open(LINK).events$.subscribe();
      await statuses.until((all) => all.at(-1)?.kind === kind);
      expect(clock.pending).toBeGreaterThan(0);
      await transport.close();

      expect(clock.pending).toBe(0);
      expect(statuses.events.at(-1)).toEqual({ kind: 'closed' });
    }
  });

  it('keeps backing off from a relay that greets and then fails at once', async () => {
    await using relay = await startScriptedRelay({
      frame: (frame, call) => (frame.case === 'hello' ? call.send(READY) : call.fail(status.UNAVAILABLE, 'crashed')),
    });
    const clock = new ManualClock();
    const random = { fraction: () => 0, bytes: (length: number) => new Uint8Array(length) };
    const transport = connectRelay({ endpoint: relay.endpoint, clock, random });
    const delays = await waits(transport, clock, 4);
    await transport.close();

    expect(delays).toEqual([200, 400, 800, 1600]);
  });

  it('starts again at the shortest wait after a quiet time', async () => {
    let fail: () => void = () => undefined;
    await using relay = await startScriptedRelay({
      frame: (frame, call) => {
        if (frame.case === 'hello') call.send(READY);
        if (frame.case === 'ping') call.send({ case: 'pong', value: { nonce: frame.value.nonce } });
        fail = () => call.fail(status.UNAVAILABLE, 'crashed');
      },
    });
    const clock = new ManualClock();
    const random = { fraction: () => 0, bytes: (length: number) => new Uint8Array(length) };
    const transport = connectRelay({ endpoint: relay.endpoint, clock, random });
    const statuses = new Recording(transport.status$);
    const onlines = (): number => statuses.events.filter(({ kind }) => kind === 'online').length;
    let quietMs = 0;
    let connections = 0;
    const delays = await waits(transport, clock, 4, async () => {
      connections += 1;
      await statuses.until(() => onlines() >= connections);
      if (connections === 4) quietMs = 10_000;
      clock.advance(quietMs);
      fail();
    });
    await transport.close();

    expect(delays).toEqual([200, 400, 800, 200]);
  });

  it('notices a half-open connection, and goes on over a fresh one without loss or repetition', async () => {
    const relay = createMemoryRelay();
    await using server = await startScriptedRelay(bridgeTo(relay));
    await using proxy = await TcpProxy.to(server.port);
    const transport = connectRelay({
      endpoint: `http://127.0.0.1:${proxy.port}`,
      pingAfterMs: 50,
      lostAfterMs: 200,
      connectTimeoutMs: 200,
      minReconnectDelayMs: 5,
      maxReconnectDelayMs: 20,
    });
    const statuses = new Recording(transport.status$);
    const reader = new Recording(transport.open(LINK).events$);
    const direct = relay.connect();
    await direct.open(LINK).publish([message('a')]);
    await hasEntries(reader, 1);
    proxy.swallow(true);
    await direct.open(LINK).publish([message('b')]);
    await reader.until(hasKind('offline'));
    expect(statuses.events.find(({ kind }) => kind === 'offline')).toMatchObject({
      cause: { code: 'connection_lost', message: expect.stringContaining('no sign of life') as unknown },
    });
    // Nothing gets through: attempts run into their own timeout, and their sockets are let go of.
    await statuses.until((all) => all.filter(({ kind }) => kind === 'offline').length >= 4);
    proxy.swallow(false);
    await hasEntries(reader, 2);
    await transport.close();
    await direct.close();

    expect(namesOf(entriesOf(reader))).toEqual(['a', 'b']);
    expect(proxy.accepted).toBeGreaterThanOrEqual(4);
    await expect.poll(() => proxy.open, { timeout: 5000 }).toBe(0);
  });

  it('stays on a connection on which only pings are answered', async () => {
    let pings = 0;
    await using relay = await startScriptedRelay({
      frame: (frame, call) => {
        if (frame.case === 'hello') call.send(READY);
        if (frame.case !== 'ping') return;
        pings += 1;
        call.send({ case: 'pong', value: { nonce: frame.value.nonce } });
      },
    });
    const transport = connectRelay({ endpoint: relay.endpoint, pingAfterMs: 20, lostAfterMs: 500 });
    const statuses = new Recording(transport.status$);
    transport.open(LINK).events$.subscribe();
    await expect.poll(() => pings, { timeout: 5000 }).toBeGreaterThan(5);
    await transport.close();

    expect(statuses.events.map(({ kind }) => kind)).toEqual(['idle', 'connecting', 'online', 'closed']);
  });

  it('gives up on a port that accepts and says nothing, and lets go of the socket', async () => {
    const sockets = new Set<unknown>();
    const server = createServer((socket) => {
      sockets.add(socket);
      socket.on('error', () => undefined); // `close` follows
      socket.on('close', () => sockets.delete(socket));
      socket.resume();
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const transport = connectRelay({ endpoint: `http://127.0.0.1:${port}`, connectTimeoutMs: 50 });
    const statuses = new Recording(transport.status$);
    transport.open(LINK).events$.subscribe();
    await statuses.until((all) => all.at(-1)?.kind === 'offline');
    await transport.close();

    expect(statuses.events[2]).toMatchObject({ kind: 'offline', cause: { code: 'connection_error' } });
    await expect.poll(() => sockets.size, { timeout: 5000 }).toBe(0);
    server.close();
    await once(server, 'close');
  });

  it('refuses to queue without end when the relay does not read', async () => {
    await using relay = await startScriptedRelay({
      frame: (frame, call) => {
        if (frame.case === 'hello') call.send(READY);
        else call.pause();
      },
    });
    const transport = connectRelay({ endpoint: relay.endpoint, maxQueuedBytes: 2 ** 20 });
    const link = transport.open(LINK);
    const payload = new Uint8Array(100_000);
    const outcomes: string[] = [];
    for (let count = 0; count < 200 && !outcomes.includes('limit_exceeded'); count += 1) {
      link.publish([{ ...message(`m${count}`), payload }]).then(
        () => outcomes.push('answered'),
        (error: unknown) => outcomes.push((error as { readonly code: string }).code),
      );
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(outcomes).toContain('limit_exceeded');
    expect(transport.status$.value.kind).toBe('online');
    await transport.close();
    await expect.poll(() => new Set(outcomes)).toEqual(new Set(['limit_exceeded', 'connection_lost']));
  });

  it('speaks TLS to https, and trusts only whom it was told to trust', async () => {
    const pem = (name: string): Promise<Buffer> => readFile(new URL(`./support/tls/${name}.pem`, import.meta.url));
    const certificate = await pem('certificate');
    const credentials = ServerCredentials.createSsl(null, [{ cert_chain: certificate, private_key: await pem('key') }]);
    await using relay = await startScriptedRelay(bridgeTo(createMemoryRelay()), 0, credentials);
    const endpoint = `https://localhost:${relay.port}`;
    const trusting = connectRelay({ endpoint, rootCertificates: certificate });
    const wary = connectRelay({ endpoint });

    await expect(trusting.open(LINK).publish([message('a')])).resolves.toMatchObject([{ kind: 'accepted' }]);
    await expect(wary.open(LINK).publish([message('b')])).rejects.toMatchObject({ code: 'connection_error' });
    await Promise.all([trusting.close(), wary.close()]);
  });
});
