import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { encodeClientFrame, PROTOCOL_VERSION, relayService } from '../../src/transport/index.ts';
import { callHeaders, clientPreface, FLAG, frame } from './support/http2-frames.ts';
import { RawClient } from './support/raw-client.ts';
import { spawnRelay } from './support/relay-process.ts';
import { messages } from './support/submissions.ts';
import { temporaryDirectory } from './support/temp-dir.ts';

const CONNECTIONS = 10_000;
/** Opened at once; more would only wait in the relay's backlog. */
const ABREAST = 250;

/** A connection with one call on it, whose Hello is answered. */
function greeted(port: number): Promise<Socket> {
  const hello = encodeClientFrame({ case: 'hello', value: { protocolVersion: PROTOCOL_VERSION, client: 'test' } });
  const prefix = Buffer.alloc(5);
  prefix.writeUInt32BE(hello.length, 1);
  const socket = connect({ port, host: '127.0.0.1', noDelay: true });
  socket.write(
    Buffer.concat([
      clientPreface(),
      frame('settings', FLAG.ack, 0),
      frame('headers', FLAG.endHeaders, 1, callHeaders(relayService.connect.path)),
      frame('data', FLAG.none, 1, Buffer.concat([prefix, hello])),
    ]),
  );
  return new Promise((resolve, reject) => {
    socket.on('error', reject);
    socket.on('close', () => reject(new Error('the relay closed a connection')));
    let at = Buffer.alloc(0);
    socket.on('data', (chunk: Buffer) => {
      at = Buffer.concat([at, chunk]);
      while (at.length >= 9 && at.length >= 9 + at.readUIntBE(0, 3)) {
        if (at.readUInt8(3) === 0) resolve(socket); // DATA: the relay is ready
        at = at.subarray(9 + at.readUIntBE(0, 3));
      }
    });
  });
}

function mostOpenFiles(): number {
  const [, soft = '0'] = /^Max open files\s+(\w+)/m.exec(readFileSync('/proc/self/limits', 'utf8')) ?? [];
  return soft === 'unlimited' ? Number.POSITIVE_INFINITY : Number(soft);
}

/** The relay's own gauge; only what begins a line is one. */
async function gauge(endpoint: string, name: string): Promise<number> {
  const text = await (await fetch(`${endpoint}/metrics`)).text();
  const [, value] = new RegExp(`^${name}(?:\\{\\})? (\\S+)$`, 'm').exec(text) ?? [];
  if (value === undefined) throw new Error(`no ${name} in the metrics`);
  return Number(value);
}

test(`holds ${CONNECTIONS} connections that say nothing, and serves beside them`, async (context) => {
  if (process.platform !== 'linux') context.skip('the number of files that may be open is known on Linux only');
  const files = mostOpenFiles();
  if (files < CONNECTIONS + 1000)
    context.skip(`${files} files may be open (ulimit -n), ${CONNECTIONS + 1000} are needed`);

  const dataDir = await temporaryDirectory();
  const limit = `limits.max_connections=${CONNECTIONS + 10}`;
  const relay = spawnRelay('--data-dir', dataDir, '--port', '0', '--log-level', 'error', '--set', limit);
  const endpoint = await relay.endpoint;
  const port = Number(new URL(endpoint).port);
  const alice = await RawClient.connect(endpoint);
  const before = await gauge(endpoint, 'process_resident_memory_bytes');

  const sockets: Socket[] = [];
  onTestFinished(() => sockets.forEach((socket) => socket.destroy()));
  const startedMs = performance.now();
  while (sockets.length < CONNECTIONS) {
    sockets.push(...(await Promise.all(Array.from({ length: ABREAST }, () => greeted(port)))));
  }
  const openedMs = performance.now() - startedMs;
  const each = ((await gauge(endpoint, 'process_resident_memory_bytes')) - before) / CONNECTIONS;
  console.log(
    `${CONNECTIONS} connections in ${openedMs.toFixed(0)} ms, ${(each / 1024).toFixed(1)} KiB of memory each`,
  );

  expect(await gauge(endpoint, 'skytale_relay_connections')).toBeGreaterThanOrEqual(CONNECTIONS + 1);
  const bob = await RawClient.connect(endpoint);
  bob.subscribe(1);
  expect(await alice.publish(messages(100))).toHaveLength(100);
  await bob.entriesUpTo(1, 100);
  expect((await fetch(`${endpoint}/health`)).status).toBe(200);
  expect(each).toBeLessThan(200 * 1024);

  for (const socket of sockets) socket.removeAllListeners('close').destroy();
  while ((await gauge(endpoint, 'skytale_relay_connections')) > 10) await alice.publish(messages(1));
});
