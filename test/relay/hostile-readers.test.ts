import { once } from 'node:events';
import { connect } from 'node:http2';
import { status } from '@grpc/grpc-js';
import { describe, expect, onTestFinished, test } from 'vitest';
import { DEFAULT_LIMITS } from '../../src/relay/limits.ts';
import { encodeClientFrame, PROTOCOL_VERSION, relayService, startToWire } from '../../src/transport/index.ts';
import type { ClientFrameInit } from '../../src/transport/index.ts';
import { eventually } from './support/eventually.ts';
import { startFront } from './support/front.ts';
import type { TestFront } from './support/front.ts';
import { callHeaders, clientPreface, FLAG, frame } from './support/http2-frames.ts';
import { startProxy } from './support/proxy.ts';
import { RawClient } from './support/raw-client.ts';
import { RawSocket } from './support/raw-socket.ts';
import { CHANNEL, GROUP, messages } from './support/submissions.ts';

const KIB = 1024;
const MANY = 1_000_000;

const unreadBytes = (front: TestFront): number =>
  front.server.holdings().reduce((sum, held) => sum + held.unreadBytes, 0);

/** Publishes until as much waits for somebody who does not read as is allowed. */
async function fill(front: TestFront, publisher: RawClient): Promise<void> {
  while (unreadBytes(front) < DEFAULT_LIMITS.maxUnreadBytes) await publisher.publish(messages(64, 0n, 4 * KIB));
}

/** A subscriber that takes nothing once it is connected; `widest`: with all the window that HTTP/2 has. */
async function stuckSubscriber(front: TestFront, { widest }: { widest: boolean }): Promise<RawSocket> {
  const stuck = new RawSocket(front.port);
  const windows = [
    frame('settings', FLAG.none, 0, Buffer.from('00047fffffff', 'hex')), // SETTINGS_INITIAL_WINDOW_SIZE
    frame('windowUpdate', FLAG.none, 0, Buffer.from('7fff0000', 'hex')),
  ];
  const start = startToWire({ afterSeq: 0 });
  await stuck.write(
    Buffer.concat([
      clientPreface(),
      ...(widest ? windows : []),
      call(
        { case: 'hello', value: { protocolVersion: PROTOCOL_VERSION, client: 'test' } },
        { case: 'subscribe', value: { subscription: 1, channel: CHANNEL, group: GROUP, start, credit: MANY } },
      ),
    ]),
  );
  await once(stuck.socket, 'data');
  stuck.socket.pause();
  return stuck;
}

function call(...frames: readonly ClientFrameInit[]): Buffer {
  const data = frames.map(encodeClientFrame).map((bytes) => {
    const prefix = Buffer.alloc(5);
    prefix.writeUInt32BE(bytes.length, 1);
    return frame('data', FLAG.none, 1, Buffer.concat([prefix, bytes]));
  });
  return Buffer.concat([frame('headers', FLAG.endHeaders, 1, callHeaders(relayService.connect.path)), ...data]);
}

describe('a subscriber that has stopped reading', () => {
  test('its call: is cut off, what waits for it is freed, and it can come back', async () => {
    const front = await startFront({ limits: { stuckReaderMs: 400 } });
    const alice = await RawClient.connect(front.endpoint);
    const bob = await RawClient.connect(front.endpoint);
    const stuck = await RawClient.connect(front.endpoint);
    bob.subscribe(1, { afterSeq: 0 }, MANY);
    stuck.subscribe(1, { afterSeq: 0 }, MANY);
    await stuck.next('caughtUp');
    stuck.pause();
    while (front.cuts('stuck-reader') === 0) await alice.publish(messages(64, 0n, 4 * KIB));
    await front.holds(2);
    await eventually(() => unreadBytes(front) === 0); // what bob has yet to read, and nothing else
    expect(front.server.holdings()).toHaveLength(2);
    stuck.resume();
    expect((await stuck.ended).code).toBe(status.UNAVAILABLE);

    const [last] = await alice.publish(messages(1));
    const seq = last!.kind === 'accepted' ? last!.seq : 0;
    await bob.entriesUpTo(1, seq);
    const again = await RawClient.connect(front.endpoint);
    again.subscribe(1, { afterSeq: stuck.entries(1).length }, MANY);
    expect((await again.entriesUpTo(1, seq - stuck.entries(1).length)).at(-1)?.seq).toBe(seq);
    expect(front.cuts('stuck-reader')).toBe(1);
  });

  test('its socket, with all the window there is: likewise', async () => {
    const front = await startFront({ limits: { stuckReaderMs: 400 } });
    const alice = await RawClient.connect(front.endpoint);
    await stuckSubscriber(front, { widest: true });
    await fill(front, alice);
    await front.cut('stuck-reader');
    await front.holds(1);
    expect(unreadBytes(front)).toBe(0);
    expect(await alice.publish(messages(2))).toHaveLength(2);
  });

  test('for a moment only: goes on where it was', async () => {
    const front = await startFront({ limits: { stuckReaderMs: 5_000 } });
    const alice = await RawClient.connect(front.endpoint);
    const slow = await RawClient.connect(front.endpoint);
    slow.subscribe(1, { afterSeq: 0 }, MANY);
    await slow.next('caughtUp');
    slow.pause();
    await fill(front, alice);
    slow.resume();
    const [last] = await alice.publish(messages(1));
    await slow.entriesUpTo(1, last!.kind === 'accepted' ? last!.seq : 0);
    expect(front.cuts('stuck-reader')).toBe(0);
  });
});

describe('a peer whose line is dead although nobody has closed it', () => {
  test('is noticed and forgotten', async () => {
    const front = await startFront({ limits: { keepaliveMs: 200, keepaliveTimeoutMs: 200 } });
    const proxy = await startProxy(front.port);
    const alice = await RawClient.connect(front.endpoint);
    const far = await RawClient.connect(proxy.endpoint);
    far.subscribe(1);
    expect(await far.publish(messages(2))).toHaveLength(2);
    expect(front.server.holdings()).toHaveLength(2);
    proxy.freeze();
    await front.holds(1);
    expect(front.server.holdings()).toHaveLength(1);
    expect(await alice.publish(messages(2))).toHaveLength(2);
  });
});

describe('a relay that closes', () => {
  test('says goodbye, and closes those at once who have asked for nothing', async () => {
    const front = await startFront();
    const silent = new RawSocket(front.port);
    const alice = await RawClient.connect(front.endpoint);
    const http2 = connect(front.endpoint);
    onTestFinished(() => http2.destroy());
    const goodbye = once(http2, 'goaway') as Promise<[number]>;
    await once(http2.request({ ':path': '/' }).resume(), 'end');
    await alice.publish(messages(3));
    const closed = front.server.close();
    await Promise.all([silent.closed, closed]);
    expect((await alice.ended).code).toBe(status.UNAVAILABLE);
    expect((await goodbye)[0]).toBe(0);
    expect(front.cuts('drain-timeout')).toBe(0);
    const late = new RawSocket(front.port);
    await late.closed;
    expect(late.received).toHaveLength(0);
  });

  test('cuts off after a while who does not let it close', async () => {
    const front = await startFront();
    const alice = await RawClient.connect(front.endpoint);
    await stuckSubscriber(front, { widest: false });
    await fill(front, alice);
    await front.server.close();
    expect([front.cuts('drain-timeout'), front.server.connections, unreadBytes(front)]).toEqual([1, 0, 0]);
  });
});
