import { once } from 'node:events';
import { connect as connectHttp2 } from 'node:http2';
import type { ClientHttp2Session, IncomingHttpHeaders, OutgoingHttpHeaders } from 'node:http2';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { HttpRoute, HttpRoutes } from '../../src/relay/front/index.ts';
import { startFront } from './support/front.ts';
import { RawClient } from './support/raw-client.ts';
import { RawSocket } from './support/raw-socket.ts';
import { messages } from './support/submissions.ts';

const ROUTES: HttpRoutes = new Map<string, HttpRoute>([
  ['/health', () => ({ status: 200, contentType: 'application/json', body: '{"status":"ok"}' })],
  ['/metrics', () => Promise.resolve({ status: 200, contentType: 'text/plain', body: 'x'.repeat(200_000) })],
  ['/broken', () => Promise.reject(new Error('a secret of the house'))],
]);

function http2(endpoint: string): ClientHttp2Session {
  const session = connectHttp2(endpoint);
  onTestFinished(() => session.destroy());
  return session;
}

async function request(
  session: ClientHttp2Session,
  headers: OutgoingHttpHeaders,
): Promise<{ headers: IncomingHttpHeaders; body: string }> {
  const stream = session.request(headers);
  const [answer] = (await once(stream, 'response')) as [IncomingHttpHeaders];
  let body = '';
  for await (const chunk of stream.setEncoding('utf8')) body += chunk as string;
  return { headers: answer, body };
}

describe('plain HTTP/1.1 on the port of gRPC', () => {
  test('answers GET and HEAD of what there is, and ends the connection', async () => {
    const front = await startFront({ routes: ROUTES });
    const got = await fetch(`${front.endpoint}/health?from=balancer`);
    expect([got.status, got.headers.get('content-type'), await got.text()]).toEqual([
      200,
      'application/json',
      '{"status":"ok"}',
    ]);
    const head = await fetch(`${front.endpoint}/health`, { method: 'HEAD' });
    expect([head.status, head.headers.get('content-length'), await head.text()]).toEqual([200, '15', '']);
    expect(await (await fetch(`${front.endpoint}/metrics`)).text()).toHaveLength(200_000);
    await front.holds(0);
  });

  test('answers 404, 405 and 500, and gives no reasons away', async () => {
    const { endpoint } = await startFront({ routes: ROUTES });
    expect((await fetch(`${endpoint}/`)).status).toBe(404);
    const posted = await fetch(`${endpoint}/health`, { method: 'POST', body: 'x'.repeat(1_000_000) }).catch(
      () => undefined,
    );
    if (posted !== undefined) expect([posted.status, posted.headers.get('allow')]).toEqual([405, 'GET, HEAD']);
    const deleted = await fetch(`${endpoint}/health`, { method: 'DELETE' });
    expect([deleted.status, deleted.headers.get('allow')]).toEqual([405, 'GET, HEAD']);
    const broken = await fetch(`${endpoint}/broken`);
    expect(broken.status).toBe(500);
    expect(await broken.text()).not.toContain('secret');
  });

  test('answers a request that comes byte by byte, and 400 and 431 to what is none', async () => {
    const front = await startFront({ routes: ROUTES, limits: { maxHeaderBytes: 2000 } });
    const slow = new RawSocket(front.port);
    for (const byte of 'GET /health HTTP/1.1\r\nhost: relay\r\n\r\n') await slow.write(byte);
    await slow.closed;
    expect(slow.received.toString()).toMatch(/^HTTP\/1.1 200 OK[^]*\{"status":"ok"\}$/);

    const odd = new RawSocket(front.port);
    await odd.write('GET /health\r\nHTTP/1.1 what is this\r\n\r\n');
    await odd.closed;
    expect(odd.received.toString()).toMatch(/^HTTP\/1.1 400 /);
    const long = new RawSocket(front.port);
    await long.write(`GET /health HTTP/1.1\r\nhost: relay\r\ncookie: ${'c'.repeat(3000)}\r\n\r\n`);
    await long.closed;
    expect(long.received.toString()).toMatch(/^HTTP\/1.1 431 /);
    expect(front.cuts('bad-input')).toBe(2);
  });
});

describe('plain HTTP/2 on the port of gRPC', () => {
  test('answers the same on one connection, again and again', async () => {
    const { endpoint } = await startFront({ routes: ROUTES });
    const session = http2(endpoint);
    for (let round = 0; round < 3; round += 1) {
      const { headers, body } = await request(session, { ':path': '/health' });
      expect([headers[':status'], headers['content-type'], body]).toEqual([200, 'application/json', '{"status":"ok"}']);
    }
    expect((await request(session, { ':path': '/metrics' })).body).toHaveLength(200_000);
    const head = await request(session, { ':path': '/health', ':method': 'HEAD' });
    expect([head.headers[':status'], head.headers['content-length'], head.body]).toEqual([200, '15', '']);
    expect((await request(session, { ':path': '/' })).headers[':status']).toBe(404);
    const posted = await request(session, { ':path': '/health', ':method': 'POST' });
    expect([posted.headers[':status'], posted.headers.allow]).toEqual([405, 'GET, HEAD']);
    expect((await request(session, { ':path': '/broken' })).body).not.toContain('secret');
  });

  test('goes on beside calls on the same connection, and lets go of answers that nobody takes', async () => {
    const front = await startFront({ routes: ROUTES, limits: { handshakeTimeoutMs: 300 } });
    const session = connectHttp2(front.endpoint, { settings: { initialWindowSize: 10 } });
    onTestFinished(() => session.destroy());
    const stream = session.request({ ':path': '/metrics' });
    await once(stream, 'response');
    const alice = await RawClient.connect(front.endpoint);
    expect(await alice.publish(messages(3))).toHaveLength(3);
    stream.on('error', () => undefined);
    await once(stream, 'close');
    expect(stream.rstCode).not.toBe(0);
  });
});
