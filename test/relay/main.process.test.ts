import Libsql from 'libsql';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { status } from '@grpc/grpc-js';
import { expect, test } from 'vitest';
import { makeCertificate } from './support/certificates.ts';
import { eventually } from './support/eventually.ts';
import { RawClient } from './support/raw-client.ts';
import { spawnRelay } from './support/relay-process.ts';
import { message, messages } from './support/submissions.ts';
import { temporaryDirectory } from './support/temp-dir.ts';

test.each(['SIGTERM', 'SIGINT'] as const)('says where it listens, serves, and drains on %s', async (signal) => {
  const dataDir = await temporaryDirectory();
  const relay = spawnRelay('--data-dir', dataDir, '--port', '0');
  const endpoint = await relay.endpoint;
  expect(JSON.parse(relay.stdout())).toEqual({ ready: true, endpoint });
  const client = await RawClient.connect(endpoint);
  expect(await client.publish(messages(3))).toMatchObject([{ seq: 1 }, { seq: 2 }, { seq: 3 }]);
  relay.kill(signal);
  expect((await client.ended).code).toBe(status.UNAVAILABLE);
  expect(await relay.exited).toBe(0);
  const lines = relay
    .stderr()
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { msg: string });
  expect(lines.map(({ msg }) => msg)).toEqual([
    'the relay is open: who reaches it may write to every channel and read its ciphertext',
    'relay is ready',
    'draining',
    'relay has ended',
  ]);
});

test('does not start on a directory that another relay uses, and leaves that one alone', async () => {
  const dataDir = await temporaryDirectory();
  const owner = spawnRelay('--data-dir', dataDir, '--port', '0', '--log-level', 'silent');
  const endpoint = await owner.endpoint;
  const second = spawnRelay('--data-dir', dataDir, '--port', '0');
  expect(await second.exited).toBe(1);
  expect(second.stderr()).toBe(
    'skytale-relay: runtime error: another relay uses this data directory (data_dir_in_use)\n',
  );
  expect(await (await RawClient.connect(endpoint)).publish([message()])).toMatchObject([{ kind: 'accepted', seq: 1 }]);
});

test('does not start on a log that a newer version wrote', async () => {
  const dataDir = await temporaryDirectory();
  const first = spawnRelay('--data-dir', dataDir, '--port', '0', '--log-level', 'silent');
  await first.endpoint;
  first.kill('SIGTERM');
  await first.exited;
  const database = new Libsql(join(dataDir, 'relay.db'));
  database.exec('PRAGMA user_version = 1000');
  database.close();
  const relay = spawnRelay('--data-dir', dataDir, '--port', '0');
  expect(await relay.exited).toBe(1);
  expect(relay.stderr()).toMatch(/format 1000, this relay knows up to \d+:.*\(data_dir_version\)/);
});

test.each([
  [['--data-dir', '/nowhere', '--port', '70000'], /grpc_listen_addr \(--port\): expected an address and a port/],
  [['--data-dir', '/nowhere', '--host', '0.0.0.0', '--port', '0'], /--insecure-open/],
  [['--data-dir', '/dev/null/x', '--port', '0'], /store_error/],
])('says what is wrong with %j', async (args, text) => {
  const relay = spawnRelay(...args);
  expect(await relay.exited).toBe(1);
  expect(relay.stderr()).toMatch(text);
  expect(relay.stdout()).toBe('');
});

test('prints the configuration that would hold, without its secret, and opens nothing', async () => {
  const directory = await temporaryDirectory();
  const [file, dataDir] = [join(directory, 'supernode.toml'), join(directory, 'data')];
  const secret = 'the-secret-of-this-test-0123456789';
  await writeFile(file, `[server]\njwt_secret = "${secret}"\nlisten_port = 4433\n`);
  const relay = spawnRelay('--config', file, '--data-dir', dataDir, '--check-config');
  expect(await relay.exited).toBe(0);
  expect(relay.stdout()).toContain(`data_dir = ${JSON.stringify(dataDir)} # --data-dir\n`);
  expect(relay.stdout()).toContain('# jwt_secret is set, and not shown (supernode.toml:2)\n');
  expect(relay.stdout() + relay.stderr()).not.toContain(secret);
  expect(existsSync(dataDir)).toBe(false);
});

test('takes another certificate on SIGHUP, and keeps the one it has if that is none', async () => {
  const directory = await temporaryDirectory();
  const [cert, key] = [join(directory, 'cert.pem'), join(directory, 'key.pem')];
  const put = async (name: string): Promise<void> => {
    const made = makeCertificate(name);
    await Promise.all([writeFile(cert, made.cert), writeFile(key, made.key)]);
  };
  await put('first');
  const files = ['--set', `server.grpc_tls_cert=${cert}`, '--set', `server.grpc_tls_key=${key}`];
  const relay = spawnRelay('--engine', 'memory', '--data-dir', await temporaryDirectory(), '--port', '0', ...files);
  const { hostname: host, port, protocol } = new URL(await relay.endpoint);
  expect(protocol).toBe('https:');
  const subject = async (): Promise<unknown> => {
    const socket = connect({ host, port: Number(port), rejectUnauthorized: false });
    await once(socket, 'secureConnect');
    const name = socket.getPeerCertificate().subject.CN;
    socket.destroy();
    return name;
  };
  expect(await subject()).toBe('first');
  await put('second');
  relay.kill('SIGHUP');
  await eventually(() => relay.stderr().includes('TLS certificate renewed'));
  expect(await subject()).toBe('second');
  await writeFile(cert, 'no certificate');
  relay.kill('SIGHUP');
  await eventually(() => relay.stderr().includes('the TLS certificate stays what it was'));
  expect(await subject()).toBe('second');
});
