import { statSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { SkytaleClient } from '../../src/client/index.ts';
import { eventually } from '../relay/support/eventually.ts';
import { CHANNEL, twoAgents } from './support/two-agents.ts';

// Each command opens a data directory, and a test has many.
vi.setConfig({ testTimeout: 90_000 });

test('runs commands of an agent in the process that reads for it', async () => {
  const home = await twoAgents();
  const tail = home.start(['tail', CHANNEL, '--identity', 'bob']);
  await eventually(() => tail.stderr().includes('live'));
  expect(statSync(join(home.path, '.skytale/626f62/command.sock')).mode & 0o777).toBe(0o600);

  const input = Array.from({ length: 200 }, (_, index) => `bob ${index}`).join('\n');
  await home.ok(['send', CHANNEL, '-', '--identity', 'bob'], { input });
  expect(await home.ok(['channels', '--identity', 'bob'])).toBe(`${CHANNEL}\n`);
  expect(await home.ok(['tail', CHANNEL, '--no-follow', '--identity', 'alice'])).toBe(`${input}\n`);

  await home.ok(['send', CHANNEL, 'to bob', '--identity', 'alice']);
  await eventually(() => tail.stdout() === 'to bob\n');
});

test('gives exit codes, errors and usage back as they would be without another process', async () => {
  const home = await twoAgents();
  const tail = home.start(['tail', CHANNEL, '--identity', 'bob']);
  await eventually(() => tail.stderr().includes('live'));
  const [missing, misused] = await Promise.all([
    home.run(['send', 'acme/ops/other', 'x', '--identity', 'bob', '--json']),
    home.run(['remove', CHANNEL, 'zoe', '--identity', 'bob']),
  ]);
  expect(missing.code).toBe(1);
  expect(JSON.parse(missing.stderr)).toMatchObject({ error: { code: 'not_found', exit_code: 1 } });
  expect(misused).toMatchObject({ code: 1, stdout: '' });
});

test('lets one command read a channel, and says how to have another one', async () => {
  const home = await twoAgents();
  const tail = home.start(['tail', CHANNEL, '--identity', 'bob']);
  await eventually(() => tail.stderr().includes('live'));
  const second = await home.run(['tail', CHANNEL, '--identity', 'bob']);
  expect(second.code).toBe(1);
  expect(second.stderr).toMatch(/another command of this agent reads .*--identity.*\(bad_request\)/);
});

test('goes on reading by itself when the process that read for it ends', async () => {
  const home = await twoAgents();
  let end: () => void = () => undefined;
  const held = new Promise<void>((resolve) => (end = resolve));
  const sender = home.start(['send', CHANNEL, '-', '--identity', 'bob'], {
    input: (async function* () {
      yield Buffer.from('first\n');
      await held;
    })(),
  });
  await eventually(() => isThere(join(home.path, '.skytale/626f62/command.sock')));
  const tail = home.start(['tail', CHANNEL, '--identity', 'bob']);
  await eventually(() => tail.stderr().includes('live'));
  end();
  expect((await sender.done).code).toBe(0);
  await home.ok(['send', CHANNEL, 'after', '--identity', 'alice']);
  await eventually(() => tail.stdout() === 'after\n');
  tail.interrupt();
  expect((await tail.done).code).toBe(130);
});

test('is refused where a program has the directory that takes no commands', async () => {
  const home = await twoAgents();
  const client = new SkytaleClient(
    home.environment['SKYTALE_RELAY'] ?? '',
    join(home.path, '.skytale/626f62'),
    new TextEncoder().encode('bob'),
  );
  await client.ready;
  try {
    const sent = await home.run(['send', CHANNEL, 'x', '--identity', 'bob']);
    expect(sent.code).toBe(1);
    expect(sent.stderr).toMatch(/in use by process \d+.*data_dir_in_use/s);
  } finally {
    await client.close();
  }
});

function isThere(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false }) !== undefined;
}
