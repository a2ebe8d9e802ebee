import { once } from 'node:events';
import { connect } from 'node:http2';
import type { ClientHttp2Session, IncomingHttpHeaders, OutgoingHttpHeaders } from 'node:http2';
import { deflateSync, gzipSync } from 'node:zlib';
import { status } from '@grpc/grpc-js';
import { describe, expect, onTestFinished, test } from 'vitest';
import { decodeServerFrame, encodeClientFrame, PROTOCOL_VERSION, relayService } from '../../src/transport/index.ts';
import { startFront } from './support/front.ts';
import type { TestFront } from './support/front.ts';
import { callHeaders, clientPreface, FLAG, frame, framesIn } from './support/http2-frames.ts';
import { RawClient } from './support/raw-client.ts';
import { RawSocket } from './support/raw-socket.ts';
import { fresh, messages } from './support/submissions.ts';

const MIB = 1024 * 1024;
const UNIMPLEMENTED = { 'grpc-status': String(status.UNIMPLEMENTED) };
const PATH = relayService.connect.path;
const HELLO = encodeClientFrame({ case: 'hello', value: { protocolVersion: PROTOCOL_VERSION, client: 'test' } });

/** A connection of HTTP/2 without anything of gRPC. */
function http2(front: TestFront): ClientHttp2Session {
  const session = connect(front.endpoint);
  session.on('error', () => undefined);
  onTestFinished(() => session.destroy());
  return session;
}

/** Sends `payload` as the body of a call; resolves to its answer's headers and trailers. */
async function answerTo(
  session: ClientHttp2Session,
  payload: Uint8Array,
  headers: OutgoingHttpHeaders = {},
): Promise<IncomingHttpHeaders> {
  const stream = session.request({ ':method': 'POST', ':path': PATH, 'content-type': 'application/grpc', ...headers });
  let answer: IncomingHttpHeaders = {};
  for (const event of ['response', 'trailers']) {
    stream.on(event, (more: IncomingHttpHeaders) => (answer = { ...answer, ...more }));
  }
  stream.on('error', () => undefined).resume();
  stream.write(payload);
  await new Promise((resolve) => stream.once('end', resolve).once('close', resolve));
  stream.close();
  return answer;
}

/** Fails unless `alice`, who was there before, and somebody new are served. */
async function servesOthers(front: TestFront, alice: RawClient): Promise<void> {
  expect(await alice.publish(messages(5))).toHaveLength(5);
  expect(await (await RawClient.connect(front.endpoint)).publish(messages(5))).toHaveLength(5);
}

describe('a message that is none ends its own call only', () => {
  test('bytes that are no protobuf are refused as a breach of the protocol', async () => {
    const front = await startFront();
    const alice = await RawClient.connect(front.endpoint);
    for (const bytes of [fresh(300), Buffer.from([0x0a, 0xff, 0xff, 0xff, 0xff, 0x0f]), Buffer.alloc(100_000, 0x0b)]) {
      const client = await RawClient.connect(front.endpoint);
      client.sendBytes(Buffer.from(bytes));
      expect(await client.refusal()).toBe('protocol-error');
    }
    await servesOthers(front, alice);
  });

  test('fields that nobody knows are overlooked', async () => {
    const front = await startFront();
    const client = new RawClient(front.endpoint);
    const unknown = Buffer.concat([Buffer.from([0xfa, 0x7f, 0xe8, 0x07]), Buffer.alloc(1000, 7)]); // field 2047, 1,000 bytes
    client.sendBytes(Buffer.concat([unknown, HELLO, unknown]));
    await client.next('ready');
    expect(await client.publish(messages(3))).toHaveLength(3);
  });

  test('a frame beyond the limit, said to be or sent', async () => {
    const front = await startFront({ limits: { maxFrameBytes: 300_000 } });
    const alice = await RawClient.connect(front.endpoint);
    const client = await RawClient.connect(front.endpoint);
    client.sendBytes(Buffer.alloc(300_001));
    expect((await client.ended).code).toBe(status.RESOURCE_EXHAUSTED);

    const before = process.memoryUsage().arrayBuffers;
    const claim = grpcPayload(HELLO, { claimed: 0x7fff_ffff });
    expect(await answerTo(http2(front), claim)).toMatchObject({ 'grpc-status': String(status.RESOURCE_EXHAUSTED) });
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(50 * MIB);
    await servesOthers(front, alice);
  });

  test.each([
    ['gzip', gzipSync(Buffer.alloc(200_000_000))],
    ['deflate', deflateSync(Buffer.alloc(200_000_000))],
  ])('a bomb of %s is not unpacked', async (encoding, bomb) => {
    const front = await startFront();
    const alice = await RawClient.connect(front.endpoint);
    const before = process.memoryUsage().rss;
    const payload = grpcPayload(bomb, { compressed: true });
    expect(await answerTo(http2(front), payload, { 'grpc-encoding': encoding })).toMatchObject({
      'grpc-status': String(status.RESOURCE_EXHAUSTED),
    });
    expect(process.memoryUsage().rss - before).toBeLessThan(100 * MIB);
    await servesOthers(front, alice);
  });

  test('compressed bytes that do not unpack, and an encoding that nobody knows', async () => {
    const front = await startFront();
    const alice = await RawClient.connect(front.endpoint);
    const session = http2(front);
    for (const encoding of ['gzip', 'brotli-of-tomorrow']) {
      const answer = await answerTo(session, grpcPayload(fresh(500), { compressed: true }), {
        'grpc-encoding': encoding,
      });
      expect(Number(answer['grpc-status'])).toBeGreaterThan(0);
    }
    await servesOthers(front, alice);
  });
});

describe('a request that is none is answered, and the connection goes on', () => {
  test.each<[string, OutgoingHttpHeaders, IncomingHttpHeaders]>([
    ['of another content type', { 'content-type': 'text/html' }, { ':status': '415' }],
    ['for a method that there is not', { ':path': '/skytale.relay.v1.Relay/Destroy' }, UNIMPLEMENTED],
    ['for no method at all', { ':path': '/' }, UNIMPLEMENTED],
    ['with a time limit that is no time', { 'grpc-timeout': 'soon' }, { 'grpc-status': String(status.INTERNAL) }],
  ])('%s', async (_, headers, expected) => {
    const front = await startFront();
    const session = http2(front);
    const answer = await answerTo(session, grpcPayload(HELLO), headers);
    for (const [name, value] of Object.entries(expected)) expect(String(answer[name])).toBe(value);

    const good = session.request({ ':method': 'POST', ':path': PATH, 'content-type': 'application/grpc' });
    good.write(grpcPayload(HELLO));
    const [bytes] = (await once(good, 'data')) as [Buffer];
    expect(decodeServerFrame(bytes.subarray(5)).case).toBe('ready');
    expect(front.opened()).toBe(1);
  });
});

describe('a client behind a line that gives a byte at a time', () => {
  test('is served', async () => {
    const front = await startFront();
    const client = new RawSocket(front.port);
    const all = Buffer.concat([
      clientPreface(),
      frame('headers', FLAG.endHeaders, 1, callHeaders(PATH)),
      frame('data', FLAG.none, 1, grpcPayload(HELLO)),
      frame('data', FLAG.none, 1, grpcPayload(encodeClientFrame({ case: 'ping', value: { nonce: 77n } }))),
    ]);
    for (const byte of all) {
      await client.write(Buffer.from([byte]));
      await new Promise((resolve) => setImmediate(resolve));
    }
    const frames = (): Buffer[] =>
      framesIn(client.received).flatMap(({ type, payload }) => (type === 'data' ? [payload.subarray(5)] : []));
    while (frames().length < 2) await once(client.socket, 'data');
    expect(frames().map((bytes) => decodeServerFrame(bytes).case)).toEqual(['ready', 'pong']);
  });
});

/** A message as gRPC frames it. `claimed` lies about its length. */
function grpcPayload(bytes: Uint8Array, { claimed = bytes.length, compressed = false } = {}): Buffer {
  const prefix = Buffer.alloc(5);
  prefix.writeUInt8(compressed ? 1 : 0, 0);
  prefix.writeUInt32BE(claimed, 1);
  return Buffer.concat([prefix, bytes]);
}
