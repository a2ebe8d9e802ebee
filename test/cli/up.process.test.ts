import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { freePort } from '../support/free-port.ts';
import { eventually } from '../relay/support/eventually.ts';
import { CliHome } from './support/run-cli.ts';
import { shellEnvironment } from './support/skytale-process.ts';
import { skytaleUp } from './support/up-process.ts';

const CHANNEL = 'acme/ops/log';

test('serves a relay and a control plane, and ends on a signal with 0', async () => {
  const home = await CliHome.create();
  const up = await skytaleUp(home, '--account', 'you@example.com');
  for (const url of [up.ready.relay, up.ready.api_url]) {
    expect(await (await fetch(`${url}/health`)).json()).toEqual({ status: 'ok' });
  }
  expect(up.ready.api_key).toMatch(/^sk_live_/);
  expect(statSync(join(up.ready.data_dir, 'jwt_secret')).mode & 0o777).toBe(0o600);
  up.kill('SIGINT');
  expect(await up.exited).toBe(0);
});

test('prints an environment that a shell can take as it is', async () => {
  const home = await CliHome.create();
  const child = spawn('bash', ['-c', 'exec skytale up --account you@example.com'], {
    env: await shellEnvironment(home, '--port 0 --api-port 0'),
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  onTestFinished(async () => {
    child.kill('SIGKILL');
    if (child.exitCode === null && child.signalCode === null) await once(child, 'close');
  });
  let printed = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (printed += text));
  await eventually(() => printed.includes('SKYTALE_API_KEY'));
  const run = spawn('bash', ['-c', `${printed}\nskytale account --json`], {
    env: await shellEnvironment(home),
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let answer = '';
  run.stdout.setEncoding('utf8').on('data', (text: string) => (answer += text));
  expect(await once(run, 'close')).toEqual([0, null]);
  expect(JSON.parse(answer)).toMatchObject({ email: 'you@example.com', plan_tier: 'free' });
});

test('goes on with what it had after it was killed, under the same secret', async () => {
  const home = await CliHome.create();
  const first = await skytaleUp(home, '--account', 'you@example.com');
  await home.ok(['create', CHANNEL, '--identity', 'alice']);
  first.kill('SIGKILL');
  await first.exited;
  const { ready } = await skytaleUp(home);
  expect(ready.data_dir).toBe(first.ready.data_dir);
  expect(JSON.parse(await home.ok(['account', '--json']))).toMatchObject({ email: 'you@example.com' });
  expect(JSON.parse(await home.ok(['members', CHANNEL, '--identity', 'alice', '--json']))).toMatchObject({
    is_latest: true,
  });
});

test('signs up, keeps the key for itself, and manages keys', async () => {
  const home = await CliHome.create();
  await skytaleUp(home);
  const key = (await home.ok(['signup', 'a@example.com', '--name', 'A'])).trim();
  expect(key).toMatch(/^sk_live_\S+$/);
  const file = join(home.path, '.skytale/credentials.json');
  expect(statSync(file).mode & 0o777).toBe(0o600);
  expect(JSON.parse(readFileSync(file, 'utf8'))).toMatchObject({
    api_key: key,
    api_url: home.environment['SKYTALE_API_URL'],
  });
  expect(await home.ok(['account'])).toContain('a@example.com');
  expect((await home.run(['signup', 'b@example.com'])).code).toBe(2);

  const made = JSON.parse(await home.ok(['keys', 'create', '--name', 'worker', '--json'])) as {
    id: string;
    key: string;
  };
  const listed = JSON.parse(await home.ok(['keys', 'list', '--json'])) as { keys: { id: string; name: string }[] };
  expect(listed.keys.map(({ name }) => name)).toContain('worker');
  expect(await home.ok(['keys', 'list'])).not.toContain(made.key);
  const environment = { SKYTALE_API_KEY: made.key };
  expect((await home.ok(['token'], { environment })).trim()).toMatch(/^eyJ[\w-]+\.[\w-]+\.[\w-]+$/);
  expect(await home.ok(['keys', 'revoke', made.id])).toBe(`revoked ${made.id}\n`);
  const refused = await home.run(['account', '--json'], { environment });
  expect(refused.code).toBe(3);
  expect(JSON.parse(refused.stderr)).toMatchObject({ error: { code: 'auth_failed', exit_code: 3 } });
  expect((await home.run(['keys', 'revoke', made.id])).code).toBe(1);
});

test('shows usage and billing, and upgrades', async () => {
  const home = await CliHome.create();
  await skytaleUp(home, '--account', 'you@example.com');
  expect(JSON.parse(await home.ok(['usage', '--json']))).toMatchObject({
    plan_tier: 'free',
    limits: { messages_per_month: 100_000 },
  });
  expect(await home.ok(['usage'])).toContain('Messages: 0 of 100000');
  expect(await home.ok(['billing'])).toContain('Plan:   free');
  expect((await home.ok(['billing', 'upgrade', 'pro'])).trim()).toMatch(/^http/);
  expect(JSON.parse(await home.ok(['billing', 'portal', '--json']))).toHaveProperty('portal_url');
});

test('never sends a stored key to another control plane', async () => {
  const home = await CliHome.create();
  await skytaleUp(home);
  await home.ok(['signup', 'a@example.com']);
  const { code, stderr } = await home.run(['account', '--api-url', 'http://127.0.0.1:9']);
  expect(code).toBe(3);
  expect(stderr).toContain('api_key_required');
});

test('lets agents in by token, by themselves and after a decision', async () => {
  const home = await CliHome.create();
  await skytaleUp(home, '--account', 'you@example.com');
  await home.ok(['create', CHANNEL, '--identity', 'alice']);
  const alice = home.start(['tail', CHANNEL, '--identity', 'alice']);
  await eventually(() => alice.stderr().includes('live'));

  const token = await home.ok(['invite', CHANNEL, '--identity', 'alice']);
  expect(token).toMatch(/^skt_inv_\S+\n$/);
  expect(await home.ok(['join', CHANNEL, '--identity', 'bob'], { input: token })).toMatch(/^joined acme\/ops\/log/);
  await home.ok(['send', CHANNEL, 'hello from bob', '--identity', 'bob']);
  await eventually(() => alice.stdout() === 'hello from bob\n');

  const spent = await home.run(['join', CHANNEL, '--identity', 'carol', '--json'], { input: token });
  expect(JSON.parse(spent.stderr)).toMatchObject({ error: { code: 'invite_exhausted' } });

  const manual = await home.ok(['invite', CHANNEL, '--identity', 'alice', '--manual', '--uses', '2']);
  const carol = home.start(['join', CHANNEL, '--identity', 'carol'], { input: manual });
  const dave = home.start(['join', CHANNEL, '--identity', 'dave'], { input: manual });
  const open = new Map<string, string>();
  while (open.size < 2) {
    const answer = await home.ok(['requests', CHANNEL, '--identity', 'alice', '--json', '--wait', '1']);
    const { requests } = JSON.parse(answer) as { requests: { id: string; identity: string }[] };
    for (const { id, identity } of requests) {
      open.set(identity, id);
    }
  }
  const decide = (verdict: string, who: string): Promise<string> =>
    home.ok(['requests', verdict, CHANNEL, open.get(who) ?? '', '--identity', 'alice']);
  expect(await decide('approve', 'carol')).toBe('approved carol\n');
  expect((await carol.done).code).toBe(0);
  expect(await decide('deny', 'dave')).toBe('denied dave\n');
  const denied = await dave.done;
  expect(denied.code).toBe(1);
  expect(denied.stderr).toContain('join_denied');
});

test('says what is the matter when no member is online', async () => {
  const home = await CliHome.create();
  await skytaleUp(home, '--account', 'you@example.com');
  await home.ok(['create', CHANNEL, '--identity', 'alice']);
  const token = await home.ok(['invite', CHANNEL, '--identity', 'alice']);
  const { code, stderr } = await home.run(['join', CHANNEL, '--identity', 'bob', '--timeout', '4'], { input: token });
  expect(code).toBe(4);
  expect(stderr).toContain('waiting for a member');
  expect(stderr).toContain('no member that may admit it is online');
});

test('finds all well where it is, and otherwise says what to do', async () => {
  const home = await CliHome.create();
  await skytaleUp(home, '--account', 'you@example.com');
  const dataDir = join(home.path, '.skytale/616c696365');
  await home.ok(['create', CHANNEL, '--identity', 'alice']);
  const findings = async (args: readonly string[], environment = {}): Promise<Map<string, string>> => {
    const { stdout } = await home.run(['doctor', '--json', ...args], { environment });
    const { findings: all } = JSON.parse(stdout) as { findings: { check: string; status: string }[] };
    return new Map(all.map(({ check, status }) => [check, status]));
  };
  const well = await findings(['--identity', 'alice', CHANNEL]);
  expect([...well].filter(([check, status]) => status !== 'ok' && check !== 'data-dir')).toEqual([]);
  expect(well.has(`channel ${CHANNEL}`)).toBe(true);

  expect((await findings(['bad-name'])).get('channel-name')).toBe('failure');
  expect((await findings([], { SKYTALE_API_KEY: 'pk_wrong' })).get('api-key')).toBe('failure');
  expect((await findings([], { SKYTALE_API_KEY: 'sk_live_unknown' })).get('account')).toBe('failure');
  const closed = `127.0.0.1:${await freePort()}`;
  expect((await findings(['--relay', `http://${closed}`])).get('relay')).toBe('failure');
  const overTls = home.environment['SKYTALE_RELAY']?.replace('http:', 'https:') ?? '';
  expect((await findings(['--relay', overTls])).get('relay')).toBe('failure');
  expect((await findings(['--api-url', 'http://no-such-name.invalid'])).get('control-plane')).toBe('failure');
  expect((await findings(['--identity', 'bob', '--data-dir', dataDir])).get('agent')).toBe('failure');
  const words = await home.run(['doctor', '--relay', `http://${closed}`]);
  expect(words.code).toBe(1);
  expect(words.stdout).toMatch(/FAIL {2}relay: nothing listens on 127\.0\.0\.1:\d+\n {6}→ Start it/);
});

test('shows itself in a demonstration, exactly, through a relay that restarts', async () => {
  const home = await CliHome.create();
  expect(JSON.parse(await home.ok(['demo', '--messages', '20', '--json']))).toMatchObject({
    ok: true,
    messages: 20,
    received: 20,
    is_exact: true,
    found_in_server_files: 0,
  });
});

test('measures', async () => {
  const home = await CliHome.create();
  const figures = JSON.parse(await home.ok(['bench', '--messages', '100', '--samples', '5', '--json'])) as object;
  expect(figures).toMatchObject({ messages: 100, bytes: 1_024, messages_per_second: expect.any(Number) as unknown });
});
