import { randomBytes } from 'node:crypto';
import { connect as connectTls } from 'node:tls';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { relayService } from '../../src/transport/index.ts';
import { makeCertificate } from './support/certificates.ts';
import { startFront } from './support/front.ts';
import { callHeaders, clientPreface, FLAG, frame, PREFACE } from './support/http2-frames.ts';
import { RawClient } from './support/raw-client.ts';
import { RawSocket } from './support/raw-socket.ts';
import { messages } from './support/submissions.ts';
import { temporaryDirectory } from './support/temp-dir.ts';

const PATH = relayService.connect.path;

describe('a peer that does not get to the point is closed in time, while others are served', () => {
  test.each<[string, Uint8Array | string]>([
    ['says nothing', ''],
    ['sends half a preface', PREFACE.slice(0, 12)],
    ['sends its settings and no more', clientPreface()],
    [
      'does not finish its headers',
      Buffer.concat([clientPreface(), frame('headers', FLAG.none, 1, callHeaders(PATH).subarray(0, 20))]),
    ],
    ['does not finish its request of HTTP/1.1', 'GET /health HTTP/1.1\r\nhost: re'],
    ['begins TLS where there is none and goes silent', Buffer.from([0x16])],
  ])('%s', async (_, bytes) => {
    const front = await startFront({ limits: { handshakeTimeoutMs: 400 } });
    const alice = await RawClient.connect(front.endpoint);
    const slow = Array.from({ length: 20 }, () => new RawSocket(front.port));
    await Promise.all(slow.map((socket) => socket.write(bytes)));
    expect(await alice.publish(messages(5))).toHaveLength(5);
    await Promise.all(slow.map(({ closed }) => closed));
    expect(front.cuts('slow-handshake') + front.cuts('bad-input')).toBe(20);
    await front.holds(1);
    expect(await alice.publish(messages(5))).toHaveLength(5);
  });

  test('one byte at a time does not make it longer', async () => {
    const front = await startFront({ limits: { handshakeTimeoutMs: 300 } });
    const slow = new RawSocket(front.port);
    const bytes = Buffer.concat([clientPreface(), frame('headers', FLAG.endHeaders, 1, callHeaders(PATH))]);
    for (const byte of bytes.subarray(0, -1)) {
      await slow.write(Buffer.from([byte]));
      await new Promise((resolve) => setTimeout(resolve, 5)); // about a second in all
    }
    await slow.closed;
    expect(front.cuts('slow-handshake')).toBe(1);
  });

  test('does not finish TLS', async () => {
    const directory = await temporaryDirectory();
    const { cert, key } = makeCertificate('localhost');
    const tls = { certificate: join(directory, 'cert.pem'), key: join(directory, 'key.pem') };
    await Promise.all([writeFile(tls.certificate, cert), writeFile(tls.key, key)]);
    const front = await startFront({ tls, limits: { handshakeTimeoutMs: 300 } });
    const silent = Array.from({ length: 10 }, () => new RawSocket(front.port));
    const begun = Array.from({ length: 10 }, () => new RawSocket(front.port));
    await Promise.all(begun.map((socket) => socket.write(Buffer.from('16030100c8010000c40303', 'hex'))));
    await Promise.all([...silent, ...begun].map(({ closed }) => closed));
    expect(front.cuts('slow-handshake')).toBe(20);

    const done = connectTls({ port: front.port, ca: cert, ALPNProtocols: ['h2'] }); // TLS, and then nothing
    onTestFinished(() => void done.destroy());
    done.on('error', () => undefined).resume();
    await new Promise((resolve) => done.once('close', resolve));
    expect(front.cuts('slow-handshake')).toBe(21);
    await front.holds(0);
  });
});

describe('a peer that asks for nothing any more', () => {
  test('is told to go and closed', async () => {
    const front = await startFront({ limits: { idleTimeoutMs: 200 } });
    const alice = await RawClient.connect(front.endpoint);
    const bob = await RawClient.connect(front.endpoint);
    alice.halfClose();
    expect((await alice.ended).code).toBe(0);
    await front.cut('idle');
    await front.holds(1);
    expect(await bob.publish(messages(2))).toHaveLength(2); // an open call is not idle, however quiet
    expect(front.cuts('idle')).toBe(1);
  });
});

describe('garbage', () => {
  test('is cut off at its first byte, or where it stops to make sense', async () => {
    const front = await startFront({ limits: { handshakeTimeoutMs: 1000 } });
    const alice = await RawClient.connect(front.endpoint);
    const pieces = [
      Buffer.from([0, 1, 2, 3]),
      randomBytes(10_000),
      'hello, is this a mail server?\n',
      'SSH-2.0-OpenSSH_9.2\r\n',
      'GET',
      `${PREFACE}${'garbage where frames should be'.repeat(50)}`,
      Buffer.concat([clientPreface(), randomBytes(20_000)]),
      Buffer.concat([clientPreface(), frame('data', 0, 1, randomBytes(1000))]), // on a stream that nobody opened
      Buffer.concat([clientPreface(), frame('headers', FLAG.endHeaders, 1, randomBytes(200))]), // no header block
      Buffer.concat([clientPreface(), frame('headers', FLAG.endHeaders, 2, callHeaders(PATH))]), // even number
    ];
    const sockets = pieces.map(() => new RawSocket(front.port));
    await Promise.all(sockets.map((socket, index) => socket.write(pieces[index]!)));
    await sockets[4]!.write('\r\n\r\n');
    await Promise.all(sockets.map(({ closed }) => closed));
    await front.holds(1);
    expect(await alice.publish(messages(5))).toHaveLength(5);
    expect(front.cuts('bad-input')).toBeGreaterThanOrEqual(4);
  });

  test('on a port with TLS leaves it serving', async () => {
    const directory = await temporaryDirectory();
    const { cert, key } = makeCertificate('localhost');
    const tls = { certificate: join(directory, 'cert.pem'), key: join(directory, 'key.pem') };
    await Promise.all([writeFile(tls.certificate, cert), writeFile(tls.key, key)]);
    const front = await startFront({ tls });
    const pieces = [
      randomBytes(5000),
      clientPreface(),
      'GET /health HTTP/1.1\r\n\r\n',
      Buffer.from('160301ffff', 'hex'),
    ];
    const sockets = pieces.map(() => new RawSocket(front.port));
    await Promise.all(sockets.map((socket, index) => socket.write(pieces[index]!)));
    await Promise.all(sockets.slice(0, 3).map(({ closed }) => closed));
    sockets[3]!.socket.destroy();
    expect(front.cuts('bad-input')).toBeGreaterThanOrEqual(3);
    await front.holds(0);
    const good = connectTls({ port: front.port, ca: cert, ALPNProtocols: ['h2'] });
    onTestFinished(() => void good.destroy());
    await new Promise((resolve, reject) => good.once('secureConnect', resolve).once('error', reject));
    expect(good.alpnProtocol).toBe('h2');
  });
});

describe('more connections than are allowed', () => {
  test('are closed at once and counted; those that are there are served, and a place that is free is taken again', async () => {
    const front = await startFront({ limits: { maxConnections: 5 } });
    const clients = await Promise.all(Array.from({ length: 5 }, () => RawClient.connect(front.endpoint)));
    const more = Array.from({ length: 30 }, () => new RawSocket(front.port));
    await Promise.all(more.map(({ closed }) => closed));
    expect([front.cuts('too-many'), front.opened(), front.server.connections]).toEqual([30, 5, 5]);
    for (const client of clients) expect(await client.publish(messages(2))).toHaveLength(2);
    clients[0]!.close();
    await front.holds(4);
    expect(await (await RawClient.connect(front.endpoint)).publish(messages(2))).toHaveLength(2);
  });
});
