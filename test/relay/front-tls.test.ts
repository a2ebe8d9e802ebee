import { writeFile } from 'node:fs/promises';
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { connect as connectHttp2 } from 'node:http2';
import { join } from 'node:path';
import { connect } from 'node:tls';
import type { ConnectionOptions, TLSSocket } from 'node:tls';
import { create } from '@bufbuild/protobuf';
import { Client, credentials } from '@grpc/grpc-js';
import type { ChannelCredentials } from '@grpc/grpc-js';
import { describe, expect, onTestFinished, test } from 'vitest';
import { Health, HealthCheckRequestSchema } from '../../src/relay/front/gen/grpc/health/v1/health_pb.ts';
import { grpcMethod } from '../../src/relay/front/grpc-method.ts';
import type { HttpRoutes, TlsPaths } from '../../src/relay/front/index.ts';
import { makeCertificate } from './support/certificates.ts';
import type { Certificate } from './support/certificates.ts';
import { startFront } from './support/front.ts';
import { temporaryDirectory } from './support/temp-dir.ts';
import { TestClock } from './support/test-clock.ts';

const ROUTES: HttpRoutes = new Map([
  ['/health', () => ({ status: 200, contentType: 'application/json', body: '{"status":"ok"}' })],
]);

async function files({ cert, key }: Certificate, clientCa?: string): Promise<TlsPaths> {
  const directory = await temporaryDirectory();
  const paths = { certificate: join(directory, 'cert.pem'), key: join(directory, 'key.pem') };
  await Promise.all([writeFile(paths.certificate, cert), writeFile(paths.key, key)]);
  if (clientCa === undefined) return paths;
  await writeFile(join(directory, 'ca.pem'), clientCa);
  return { ...paths, clientCa: join(directory, 'ca.pem') };
}

/** Whether a gRPC call gets through. */
async function isServed(port: number, creds: ChannelCredentials): Promise<boolean> {
  const client = new Client(`localhost:${port}`, creds, { 'grpc.use_local_subchannel_pool': 1 });
  const { path, requestSerialize, responseDeserialize } = grpcMethod(Health.method.check);
  const request = create(HealthCheckRequestSchema, {});
  const answer = await new Promise((resolve) => {
    client.makeUnaryRequest(path, requestSerialize, responseDeserialize, request, (_, got) => resolve(got));
  });
  client.close();
  return answer !== undefined;
}

async function handshake(port: number, options: ConnectionOptions): Promise<TLSSocket> {
  const socket = connect({ port, host: 'localhost', ALPNProtocols: ['h2'], ...options });
  onTestFinished(() => void socket.destroy());
  await once(socket, 'secureConnect');
  socket.on('error', () => undefined); // the relay resets those that are left when it closes
  return socket;
}

const commonName = (socket: TLSSocket): string => String(socket.getPeerCertificate().subject.CN);

describe('TLS', () => {
  test('carries gRPC, HTTP/2 and HTTP/1.1 on one port, and nothing without it', async () => {
    const relay = makeCertificate('relay');
    const front = await startFront({ tls: await files(relay), routes: ROUTES });
    expect(await isServed(front.port, credentials.createSsl(Buffer.from(relay.cert)))).toBe(true);
    expect(await isServed(front.port, credentials.createInsecure())).toBe(false);

    const http1 = httpsRequest({ port: front.port, host: 'localhost', path: '/health', ca: relay.cert, agent: false });
    http1.end();
    const [answer] = (await once(http1, 'response')) as [IncomingMessage];
    expect([answer.statusCode, String(await answer.setEncoding('utf8').toArray())]).toEqual([200, '{"status":"ok"}']);

    const http2 = connectHttp2(`https://localhost:${front.port}`, { ca: relay.cert });
    onTestFinished(() => http2.destroy());
    const stream = http2.request({ ':path': '/health' }).setEncoding('utf8');
    expect(String(await stream.toArray())).toBe('{"status":"ok"}');
    http2.close();
    await front.holds(0);
  });

  test('with a client CA lets in only those who show a certificate of it', async () => {
    const [relay, ca, stranger] = [makeCertificate('relay'), makeCertificate('clients'), makeCertificate('stranger')];
    const alice = makeCertificate('alice', ca.issuer);
    const front = await startFront({ tls: await files(relay, ca.cert) });
    const root = Buffer.from(relay.cert);
    const as = ({ key, cert }: Certificate): ChannelCredentials =>
      credentials.createSsl(root, Buffer.from(key), Buffer.from(cert));
    expect(await isServed(front.port, as(alice))).toBe(true);
    expect(await isServed(front.port, as(stranger))).toBe(false);
    expect(await isServed(front.port, credentials.createSsl(root))).toBe(false);
    await front.cut('bad-input', 2);
    await front.holds(0);
  });

  test('uses a new certificate for new connections, and keeps those that are there', async () => {
    const clock = new TestClock();
    const [old, fresh, newest] = [makeCertificate('old'), makeCertificate('fresh'), makeCertificate('newest')];
    const tls = await files(old);
    const front = await startFront({ tls, clock, limits: { handshakeTimeoutMs: 3_600_000 } });
    const kept = await handshake(front.port, { ca: old.cert });
    expect(commonName(kept)).toBe('old');

    const write = ({ cert, key }: Certificate): Promise<unknown> =>
      Promise.all([writeFile(tls.certificate, cert), writeFile(tls.key, key)]);
    await write(fresh);
    await front.server.reloadTls(); // as on SIGHUP
    expect(commonName(await handshake(front.port, { ca: fresh.cert }))).toBe('fresh');

    await write(newest); // and by itself
    const roots = { ca: [fresh.cert, newest.cert] };
    let seen = '';
    while (seen !== 'newest') {
      clock.advance(1000);
      const socket = await handshake(front.port, roots);
      seen = commonName(socket);
      socket.destroy();
    }
    expect(kept.destroyed).toBe(false);
    expect(front.server.connections).toBeGreaterThanOrEqual(2);
  });

  test('stays as it was when the new files do not fit, and says which', async () => {
    const [old, other] = [makeCertificate('old'), makeCertificate('other')];
    const tls = await files(old);
    const front = await startFront({ tls });
    await writeFile(tls.key, other.key);
    await expect(front.server.reloadTls()).rejects.toMatchObject({ code: 'invalid_argument' });
    await writeFile(tls.key, 'no PEM at all');
    await expect(front.server.reloadTls()).rejects.toThrow(/key\.pem is no PEM/);
    expect(commonName(await handshake(front.port, { ca: old.cert }))).toBe('old');
  });

  test.each<[string, Partial<TlsPaths>, RegExp]>([
    ['a key that is not there', { key: '/nowhere/key.pem' }, /TLS key cannot be read.*\/nowhere\/key\.pem/],
    ['a certificate that is not there', { certificate: '/nowhere/cert.pem' }, /TLS certificate cannot be read/],
    ['a client CA that is not there', { clientCa: '/nowhere/ca.pem' }, /TLS client CA cannot be read/],
  ])('does not start with %s', async (_, wrong, message) => {
    const tls = { ...(await files(makeCertificate('relay'))), ...wrong };
    await expect(startFront({ tls })).rejects.toThrow(message);
  });
});
