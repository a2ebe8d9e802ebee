import { constants } from 'node:http2';
import { describe, expect, test } from 'vitest';
import { relayService } from '../../src/transport/index.ts';
import { startFront } from './support/front.ts';
import type { TestFront } from './support/front.ts';
import { callHeaders, clientPreface, FLAG, frame, framesIn, headerBlock, resetStream } from './support/http2-frames.ts';
import { RawClient } from './support/raw-client.ts';
import { RawSocket } from './support/raw-socket.ts';
import { messages } from './support/submissions.ts';

const PATH = relayService.connect.path;
const SETTINGS_ACK = frame('settings', FLAG.ack, 0);

/** A connection that has said its preface. */
async function http2(front: TestFront): Promise<RawSocket> {
  const socket = new RawSocket(front.port);
  await socket.write(Buffer.concat([clientPreface(), SETTINGS_ACK]));
  return socket;
}

/** Sends `next(0)`, `next(1)`, … until the relay closes the connection; resolves to how many it took. */
async function flood(socket: RawSocket, most: number, next: (index: number) => Buffer): Promise<number> {
  let sent = 0;
  for (; sent < most && !socket.isClosed; sent += 1) {
    await Promise.race([socket.write(next(sent)), socket.closed]);
    if (sent % 10 === 9) await new Promise((resolve) => setImmediate(resolve));
  }
  if (sent < most) await socket.closed;
  return sent;
}

const hundred = (bytes: Buffer): Buffer => Buffer.concat(Array.from({ length: 100 }, () => bytes));

function takenBack(index: number): Buffer {
  const stream = 1 + 2 * index;
  return Buffer.concat([frame('headers', FLAG.endHeaders, stream, callHeaders(PATH)), resetStream(stream)]);
}

describe('a flood of frames ends the connection that it comes on, while others are served', () => {
  test.each<[string, (index: number) => Buffer]>([
    ['of calls that are taken back at once', takenBack],
    [
      'of headers that never end',
      (index) =>
        index === 0
          ? frame('headers', FLAG.none, 1, callHeaders(PATH))
          : frame('continuation', FLAG.none, 1, headerBlock({ [`x-${index}`]: 'x'.repeat(100) })),
    ],
    ['of pings', () => hundred(frame('ping', FLAG.none, 0, Buffer.alloc(8)))],
    ['of settings', () => hundred(frame('settings', FLAG.none, 0))],
    [
      'of data without data',
      (index) =>
        index === 0 ? frame('headers', FLAG.endHeaders, 1, callHeaders(PATH)) : hundred(frame('data', FLAG.none, 1)),
    ],
  ])('%s', async (_, next) => {
    for (const reads of [true, false]) {
      const front = await startFront({ limits: { handshakeTimeoutMs: 60_000 } });
      const alice = await RawClient.connect(front.endpoint);
      const socket = await http2(front);
      if (!reads) socket.socket.pause();
      expect(await flood(socket, 20_000, next)).toBeLessThan(20_000);
      await front.holds(1);
      expect(front.server.holdings()).toHaveLength(1);
      expect(await alice.publish(messages(5))).toHaveLength(5);
    }
  });

  test('of calls that are taken back is counted', async () => {
    const front = await startFront();
    const alice = await RawClient.connect(front.endpoint);
    const socket = await http2(front);
    await flood(socket, 20_000, takenBack);
    expect(front.cuts('flood')).toBe(1);
    expect(await alice.publish(messages(5))).toHaveLength(5);
  });
});

describe('a request that is too big is refused, and the connection goes on', () => {
  test('in the bytes of its headers', async () => {
    const front = await startFront({ limits: { maxHeaderBytes: 4096 } });
    const socket = await http2(front);
    const fat = callHeaders(PATH, { 'x-fat': 'f'.repeat(5000) });
    await socket.write(frame('headers', FLAG.endHeaders, 1, fat));
    await until(socket, ({ type, stream }) => type === 'rstStream' && stream === 1);
    await socket.write(frame('headers', FLAG.endHeaders, 3, callHeaders(PATH)));
    await until(socket, ({ type, stream }) => type === 'headers' && stream === 3);
    expect(front.server.holdings()).toHaveLength(1);
  });

  test('in the number of its headers', async () => {
    const front = await startFront();
    const socket = await http2(front);
    const many = Object.fromEntries(Array.from({ length: 200 }, (_, index) => [`x${index}`, '']));
    await socket.write(frame('headers', FLAG.endHeaders, 1, callHeaders(PATH, many)));
    await until(socket, ({ type, stream }) => type === 'rstStream' && stream === 1);
    await socket.write(frame('headers', FLAG.endHeaders, 3, callHeaders(PATH)));
    await until(socket, ({ type, stream }) => type === 'headers' && stream === 3);
  });

  test('in the number of calls at once, before the client knows how many are allowed', async () => {
    const front = await startFront();
    const socket = new RawSocket(front.port);
    const calls = Array.from({ length: 150 }, (_, index) =>
      frame('headers', FLAG.endHeaders, 1 + 2 * index, callHeaders(PATH)),
    );
    await socket.write(Buffer.concat([clientPreface(), ...calls]));
    await until(socket, ({ type, stream }) => type === 'rstStream' && stream === 299);
    const refused = framesIn(socket.received).filter(({ type }) => type === 'rstStream');
    expect(refused.map(({ payload }) => payload.readUInt32BE(0))).toEqual(
      Array.from({ length: 50 }, () => constants.NGHTTP2_REFUSED_STREAM),
    );
    expect(front.server.holdings()).toHaveLength(100);
  });

  test('or ends the connection, where the client knows', async () => {
    const front = await startFront();
    const alice = await RawClient.connect(front.endpoint);
    const socket = await http2(front);
    const call = (index: number): Buffer => frame('headers', FLAG.endHeaders, 1 + 2 * index, callHeaders(PATH));
    expect(await flood(socket, 1000, call)).toBeLessThan(1000);
    await front.holds(1);
    expect(await alice.publish(messages(5))).toHaveLength(5);
  });
});

type Frame = ReturnType<typeof framesIn>[number];

async function until(socket: RawSocket, matches: (frame: Frame) => boolean): Promise<void> {
  while (!framesIn(socket.received).some(matches)) {
    await new Promise((resolve, reject) => {
      socket.socket.once('data', resolve);
      void socket.closed.then(() => reject(new Error('the relay closed the connection')));
    });
  }
}
