import { statSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { eventually } from '../relay/support/eventually.ts';
import { CliHome } from './support/run-cli.ts';
import { openRelay } from './support/open-relay.ts';
import { CHANNEL, twoAgents } from './support/two-agents.ts';

// Each command opens a data directory, and a test has many.
vi.setConfig({ testTimeout: 90_000 });

const lines = (text: string): unknown[] =>
  text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as unknown);

test('creates a channel and says so, in words and as JSON', async () => {
  const home = await CliHome.create({ SKYTALE_RELAY: await openRelay(), SKYTALE_IDENTITY: 'alice' });
  expect(await home.ok(['create', 'acme/ops/one'])).toBe('created acme/ops/one (1 member, epoch 0)\n');
  expect(JSON.parse(await home.ok(['create', 'acme/ops/two', '--json']))).toEqual({
    channel: 'acme/ops/two',
    status: 'live',
    epoch: '0',
    seq: 0,
    members: [{ identity: 'alice', leaf: 0 }],
  });
  expect(await home.ok(['channels'])).toBe('acme/ops/one\nacme/ops/two\n');
  expect(JSON.parse(await home.ok(['channels', '--json']))).toEqual({ channels: ['acme/ops/one', 'acme/ops/two'] });
});

test('keeps the agent in a directory of its own that nobody else can read', async () => {
  const home = await CliHome.create({ SKYTALE_RELAY: await openRelay() });
  await home.ok(['key-package', '--identity', 'alice']);
  const mode = (path: string): number => statSync(join(home.path, path)).mode & 0o777;
  expect(mode('.skytale')).toBe(0o700);
  expect(mode('.skytale/616c696365')).toBe(0o700);
});

test('sends each line of stdin as a message, and reads from where it had stopped', async () => {
  const home = await twoAgents();
  const text = Array.from({ length: 300 }, (_, index) => `line ${index}`).join('\n');
  await home.ok(['send', CHANNEL, '-', '--identity', 'alice'], { input: text });
  const tail = ['tail', CHANNEL, '--identity', 'bob'];
  expect(await home.ok([...tail, '-n', '3'])).toBe('line 0\nline 1\nline 2\n');
  expect(await home.ok([...tail, '--no-follow'])).toBe(`${text.split('\n').slice(3).join('\n')}\n`);
  expect(await home.ok([...tail, '--no-follow'])).toBe('');
});

test('sends words as one message, and any bytes with --raw', async () => {
  const home = await twoAgents();
  const bytes = Uint8Array.from({ length: 256 }, (_, index) => index);
  const [receipt] = lines(await home.ok(['send', CHANNEL, 'two', 'words', '--json', '--identity', 'alice']));
  expect(receipt).toEqual({ seq: 2, epoch: '1', message_id: expect.stringMatching(/^[0-9a-f]{32}$/) as unknown });
  await home.ok(['send', CHANNEL, '-', '--raw', '--identity', 'alice'], { input: bytes });
  const [first, second] = lines(await home.ok(['tail', CHANNEL, '--no-follow', '--json', '--identity', 'bob']));
  expect(first).toEqual({
    seq: 2,
    epoch: '1',
    sender: 'alice',
    phase: 'replay',
    redelivered: expect.any(Boolean) as unknown,
    received_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/) as unknown,
    text: 'two words',
  });
  expect(second).toMatchObject({ seq: 3, payload_base64: Buffer.from(bytes).toString('base64') });
});

test('keeps what arrives while other commands run for the next tail', async () => {
  const home = await twoAgents();
  await home.ok(['send', CHANNEL, 'early', '--identity', 'alice']);
  await home.ok(['members', CHANNEL, '--identity', 'bob']);
  await home.ok(['send', CHANNEL, 'from bob', '--identity', 'bob']);
  expect(await home.ok(['tail', CHANNEL, '--no-follow', '--identity', 'bob'])).toBe('early\n');
});

test('waits for what the other members confirm', async () => {
  const home = await twoAgents();
  const tail = home.start(['tail', CHANNEL, '--identity', 'bob']);
  const sent = await home.ok(['send', CHANNEL, 'x', '--receipt', 'handled', '--json', '--identity', 'alice']);
  expect(JSON.parse(sent)).toMatchObject({ seq: 2, confirmed_by: ['bob'] });
  await eventually(() => tail.stdout() === 'x\n');
});

test('lists members with the same digits for both, renews keys, and removes', async () => {
  const home = await twoAgents();
  const members = async (identity: string): Promise<{ safety_number: string; epoch: string; members: object[] }> =>
    JSON.parse(await home.ok(['members', CHANNEL, '--json', '--identity', identity])) as never;
  const alice = await members('alice');
  expect(alice).toMatchObject({ epoch: '1', is_latest: true, members: [{ identity: 'alice' }, { identity: 'bob' }] });
  expect((await members('bob')).safety_number).toBe(alice.safety_number);
  expect(JSON.parse(await home.ok(['rotate', CHANNEL, '--json', '--identity', 'bob']))).toMatchObject({ epoch: '2' });
  expect(await home.ok(['remove', CHANNEL, 'bob', '--identity', 'alice'])).toBe(
    'removed bob from acme/ops/log (1 member, epoch 3)\n',
  );
  const reading = await home.run(['tail', CHANNEL, '--identity', 'bob']);
  expect(reading).toMatchObject({ code: 0, stdout: '' });
  expect(reading.stderr).toContain('this agent is no member any more');
});

test('lets an agent leave when another member is online', async () => {
  const home = await twoAgents();
  home.start(['tail', CHANNEL, '--identity', 'alice']);
  expect(await home.ok(['leave', CHANNEL, '--identity', 'bob'])).toBe('left acme/ops/log\n');
  // Bob may have read in the log that he is out before alice has.
  const members = async (): Promise<unknown> =>
    JSON.parse(await home.ok(['members', CHANNEL, '--json', '--identity', 'alice']));
  await expect.poll(members, { timeout: 15_000 }).toMatchObject({ members: [{ identity: 'alice' }] });
});

test('keeps a message whose time is over, and sends it the next time', async () => {
  const home = await twoAgents();
  const relay = ['--relay', 'http://127.0.0.1:9'];
  const sent = await home.run(['send', CHANNEL, 'later', '--timeout', '0.3', '--identity', 'alice', ...relay]);
  expect(sent.code).toBe(4);
  expect(sent.stderr).toContain('the message is kept');
  await home.ok(['members', CHANNEL, '--identity', 'alice']);
  expect(await home.ok(['tail', CHANNEL, '-n', '1', '--identity', 'bob'])).toBe('later\n');
});
