import Libsql from 'libsql';
import { join } from 'node:path';
import { status } from '@grpc/grpc-js';
import { expect, test } from 'vitest';
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
  database.exec('PRAGMA user_version = 7');
  database.close();
  const relay = spawnRelay('--data-dir', dataDir, '--port', '0');
  expect(await relay.exited).toBe(1);
  expect(relay.stderr()).toMatch(/format 7, this relay knows up to 1.*\(data_dir_version\)/);
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
