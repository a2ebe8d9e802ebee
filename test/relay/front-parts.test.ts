import { once } from 'node:events';
import { Client, credentials, Server, status } from '@grpc/grpc-js';
import type { ServerDuplexStream } from '@grpc/grpc-js';
import { describe, expect, onTestFinished, test } from 'vitest';
import { systemClock } from '../../src/base/clock.ts';
import { Front, watchStuckReaders } from '../../src/relay/front/index.ts';
import type { HttpRoute, Peer, Reader } from '../../src/relay/front/index.ts';
import { protocolOf } from '../../src/relay/front/protocol.ts';
import { DEFAULT_LIMITS } from '../../src/relay/limits.ts';
import { silentLogger } from '../../src/relay/relay-logger.ts';
import { noMetrics } from '../../src/relay/relay-metrics.ts';
import { relayService } from '../../src/transport/index.ts';
import { startFront } from './support/front.ts';
import { clientPreface, framesIn, PREFACE } from './support/http2-frames.ts';
import { RawSocket } from './support/raw-socket.ts';
import { TestClock } from './support/test-clock.ts';

describe('the first bytes', () => {
  test.each([
    ['', undefined],
    ['P', undefined],
    ['PRI * HTTP/2.0\r\n\r\nSM\r\n\r', undefined],
    [PREFACE, 'http2'],
    [`${PREFACE}and more`, 'http2'],
    ['POST /', 'http1'],
    ['PRINT /', 'http1'],
    ['GET', 'http1'],
    ['get', 'unknown'],
    ['\u0016\u0003\u0001', 'unknown'],
    [' ', 'unknown'],
  ])('%j is %s', (text, protocol) => {
    expect(protocolOf(Buffer.from(text))).toBe(protocol);
  });
});

describe('windows', () => {
  test('of a megabyte are offered, on the connection and on each stream', async () => {
    const front = await startFront();
    const socket = new RawSocket(front.port);
    await socket.write(clientPreface());
    const offered = (): (number | undefined)[] => {
      const frames = framesIn(socket.received);
      const settings = frames.find(({ type, payload }) => type === 'settings' && payload.length > 0)?.payload;
      const values = new Map<number, number>();
      for (let at = 0; settings !== undefined && at < settings.length; at += 6) {
        values.set(settings.readUInt16BE(at), settings.readUInt32BE(at + 2));
      }
      const window = frames.find(({ type, stream }) => type === 'windowUpdate' && stream === 0)?.payload;
      return [values.get(3), values.get(4), values.get(6), window?.readUInt32BE(0)];
    };
    while (offered().includes(undefined)) await once(socket.socket, 'data');
    // Calls at once, bytes ahead on a stream, bytes of headers, bytes ahead on the connection beside the 65,535 of the protocol.
    expect(offered()).toEqual([100, 1_048_576, DEFAULT_LIMITS.maxHeaderBytes, 1_048_576 - 65_535]);
  });
});

describe('stuck readers', () => {
  function watched(): { clock: TestClock; reader: { unreadBytes: number; takenBytes: number }; cuts: () => number } {
    const clock = new TestClock();
    let cuts = 0;
    const reader = { unreadBytes: 0, takenBytes: 0, cut: () => (cuts += 1) } satisfies Reader;
    onTestFinished(watchStuckReaders(() => [[reader, reader]], 4000, clock));
    return { clock, reader, cuts: () => cuts };
  }

  test('are cut when they have taken nothing for the time that they have', () => {
    const { clock, reader, cuts } = watched();
    reader.unreadBytes = 10;
    clock.advance(4999);
    expect(cuts()).toBe(0);
    clock.advance(1);
    expect(cuts()).toBe(1);
  });

  test('are not those who take something, who have nothing to take, or who begin anew', () => {
    const { clock, reader, cuts } = watched();
    for (let round = 0; round < 10; round += 1) {
      reader.unreadBytes = 5000 + round;
      reader.takenBytes += 2000;
      clock.advance(3000);
    }
    reader.unreadBytes = 1000;
    clock.advance(3000);
    reader.unreadBytes = 999;
    clock.advance(3000);
    reader.unreadBytes = 0;
    clock.advance(60_000);
    reader.unreadBytes = 999;
    clock.advance(3000);
    expect(cuts()).toBe(0);
  });

  test('are those, too, who are only sent answers to their pings', () => {
    const { clock, reader, cuts } = watched();
    reader.unreadBytes = 10;
    for (let second = 0; second < 6; second += 1) {
      reader.takenBytes += 17;
      clock.advance(1000);
    }
    expect(cuts()).toBe(1);
  });
});

describe('a version of grpc-js that keeps its HTTP/2 server elsewhere', () => {
  test('is served with, and the operator is told what is missing', async () => {
    const server = new Server();
    const peers: Peer[] = [];
    const connect = (call: ServerDuplexStream<Buffer, Buffer>): void => {
      peers.push(front.caller(call));
      call.on('data', (bytes: Buffer) => call.write(bytes));
      call.on('error', () => undefined);
    };
    server.addService(relayService, { connect });
    const changed = new Proxy(server, {
      get(target, name) {
        if (name === 'http2Servers') return undefined;
        const value: unknown = Reflect.get(target, name);
        return typeof value === 'function' ? (value.bind(target) as unknown) : value;
      },
    });
    const warnings: string[] = [];
    const logger = { ...silentLogger, warn: (_: object, message: string) => warnings.push(message) };
    const context = { limits: DEFAULT_LIMITS, clock: systemClock, logger, metrics: noMetrics };
    const routes = new Map<string, HttpRoute>([
      ['/health', () => ({ status: 200, contentType: 'text/plain', body: 'ok' })],
    ]);
    const front = new Front({ server: changed, routes, tls: undefined }, context);
    const port = await front.listen('127.0.0.1', 0);
    onTestFinished(async () => {
      front.stopAccepting();
      await front.closed(0);
    });
    expect(warnings).toHaveLength(1);

    const client = new Client(`127.0.0.1:${port}`, credentials.createInsecure());
    onTestFinished(() => client.close());
    const { path, requestSerialize, responseDeserialize } = relayService.connect;
    const call = client.makeBidiStreamRequest(path, requestSerialize, responseDeserialize);
    call.on('error', () => undefined);
    call.write(Buffer.from('echo'));
    expect(await once(call, 'data')).toEqual([Buffer.from('echo')]);
    expect(await (await fetch(`http://127.0.0.1:${port}/health`)).text()).toBe('ok');

    expect(peers[0]?.address).toMatch(/^127\.0\.0\.1:\d+$/);
    const ended = new Promise((resolve) => call.once('status', resolve));
    peers[0]?.cut('stuck-reader');
    expect(await ended).toMatchObject({ code: status.UNAVAILABLE });
  });
});
