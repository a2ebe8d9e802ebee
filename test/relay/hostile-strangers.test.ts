import { once } from 'node:events';
import { connect, constants } from 'node:http2';
import type { ClientHttp2Session, ClientHttp2Stream } from 'node:http2';
import { describe, expect, onTestFinished, test } from 'vitest';
import { startFront } from './support/front.ts';
import type { TestFront } from './support/front.ts';
import { RawClient } from './support/raw-client.ts';
import { RawSocket } from './support/raw-socket.ts';
import { messages } from './support/submissions.ts';

const CHECK = '/grpc.health.v1.Health/Check';
const WATCH = '/grpc.health.v1.Health/Watch';
const REFLECTION = '/grpc.reflection.v1.ServerReflection/ServerReflectionInfo';

async function http2(front: TestFront): Promise<ClientHttp2Session> {
  const session = connect(front.endpoint);
  session.on('error', () => undefined);
  onTestFinished(() => session.destroy());
  await once(session, 'connect');
  return session;
}

function call(session: ClientHttp2Session, path: string): ClientHttp2Stream {
  const headers = { ':method': 'POST', ':path': path, 'content-type': 'application/grpc', te: 'trailers' };
  return session
    .request(headers)
    .on('error', () => undefined)
    .resume();
}

function closed(stream: ClientHttp2Stream): Promise<void> {
  return new Promise((resolve) => stream.once('close', resolve));
}

/** The first bytes of a message of gRPC that says it has so many. */
function begin(length: number): Buffer {
  const prefix = Buffer.alloc(5);
  prefix.writeUInt32BE(length, 1);
  return prefix;
}

describe('somebody without a token', () => {
  test.each([
    ['a question to the health service', CHECK],
    ['a wish to follow it', WATCH],
    ['a question to reflection', REFLECTION],
  ])('who does not end %s is cut short', async (_, path) => {
    const front = await startFront({ limits: { handshakeTimeoutMs: 300 } });
    const alice = await RawClient.connect(front.endpoint);
    const stream = call(await http2(front), path);
    stream.write(begin(1000));
    await closed(stream);
    expect(stream.rstCode).toBe(constants.NGHTTP2_CANCEL);
    expect(await alice.publish(messages(2))).toHaveLength(2);
  });

  test.each([
    ['the health service', CHECK],
    ['reflection', REFLECTION],
  ])('who asks %s for much is told to calm down', async (_, path) => {
    const front = await startFront();
    const stream = call(await http2(front), path);
    stream.write(begin(4_000_000));
    stream.write(Buffer.alloc(100_000));
    await closed(stream);
    expect(stream.rstCode).toBe(constants.NGHTTP2_ENHANCE_YOUR_CALM);
  });

  test('may follow the health of the relay for longer than it takes to ask', async () => {
    const front = await startFront({ limits: { handshakeTimeoutMs: 300 } });
    const stream = call(await http2(front), WATCH);
    stream.end(begin(0));
    await once(stream, 'response');
    const slow = call(await http2(front), CHECK);
    slow.write(begin(1000));
    await closed(slow);
    expect(stream.closed).toBe(false);
  });

  test('cannot keep clients out by taking all places and listening', async () => {
    const front = await startFront({ limits: { maxConnections: 10 } });
    const alice = await RawClient.connect(front.endpoint);
    const watchers: ClientHttp2Stream[] = [];
    for (let index = 0; index < 9; index += 1) {
      const stream = call(await http2(front), WATCH);
      stream.end(begin(0));
      await once(stream, 'response');
      watchers.push(stream);
    }
    await front.holds(10);
    const bob = await RawClient.connect(front.endpoint);
    expect(front.cuts('too-many')).toBe(1);
    expect(watchers[0]!.closed || watchers[0]!.destroyed).toBe(true); // who came first goes first
    for (const client of [alice, bob]) expect(await client.publish(messages(2))).toHaveLength(2);
  });

  test('makes room for clients, and clients for nobody', async () => {
    const front = await startFront({ limits: { maxConnections: 4 } });
    const clients = await Promise.all([1, 2, 3].map(() => RawClient.connect(front.endpoint)));
    const strangers = Array.from({ length: 20 }, () => new RawSocket(front.port));
    await Promise.all(strangers.slice(0, -1).map(({ closed }) => closed));
    for (const client of clients) expect(await client.publish(messages(2))).toHaveLength(2);
    clients.push(await RawClient.connect(front.endpoint));
    await strangers.at(-1)!.closed;
    const late = new RawSocket(front.port);
    await late.closed;
    expect(front.server.connections).toBe(4);
    for (const client of clients) expect(await client.publish(messages(2))).toHaveLength(2);
  });
});
