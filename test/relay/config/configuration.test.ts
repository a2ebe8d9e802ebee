import { chmod, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse } from 'smol-toml';
import { describe, expect, test } from 'vitest';
import { loadConfiguration } from '../../../src/relay/config/load-configuration.ts';
import type { Configuration } from '../../../src/relay/config/load-configuration.ts';
import type { SettingFlags } from '../../../src/relay/config/flags.ts';
import { KEYS, variableOf } from '../../../src/relay/config/settings.ts';
import { resolveLimits } from '../../../src/relay/limits.ts';
import { temporaryDirectory } from '../support/temp-dir.ts';

const SECRET = 'the-secret-of-this-test-0123456789';

interface Given {
  readonly toml?: string;
  readonly environment?: Record<string, string>;
  readonly flags?: Partial<SettingFlags>;
}

async function load({ toml, environment = {}, flags = {} }: Given): Promise<Configuration> {
  let file: string | undefined;
  if (toml !== undefined) {
    file = join(await temporaryDirectory(), 'supernode.toml');
    await writeFile(file, toml);
  }
  return loadConfiguration({ file, environment, flags: { set: [], ...flags } });
}

/** The lines of the error with which a configuration is refused. */
async function problems(given: Given): Promise<string[]> {
  const error = await load(given).then(
    () => undefined,
    (reason: unknown) => reason as Error,
  );
  if (error === undefined) throw new Error('the configuration was taken');
  expect(error).toMatchObject({ code: 'invalid_argument' });
  return error.message.split('\n').slice(1);
}

describe('precedence', () => {
  const toml = '[limits]\nmax_channels = 10\nmax_connections = 20\nstale_epochs = 3\n';
  const environment = { SKYTALE_RELAY_LIMITS_MAX_CHANNELS: '11', SKYTALE_RELAY_LIMITS_STALE_EPOCHS: '5' };

  test('flags win over the environment, that over the file, and that over the defaults', async () => {
    const { options, shown } = await load({ toml, environment, flags: { set: ['limits.max_channels=12'] } });
    expect(options.limits).toEqual({ maxChannels: 12, maxConnections: 20, staleEpochs: 5 });
    expect(shown).toContain('max_channels = 12 # --set limits.max_channels\n');
    expect(shown).toContain('max_connections = 20 # supernode.toml:3\n');
    expect(shown).toContain('stale_epochs = 5 # SKYTALE_RELAY_LIMITS_STALE_EPOCHS\n');
    expect(shown).toContain('max_subscriptions = 1024 # default\n');
  });

  test('a value that something else overrides is checked all the same', async () => {
    expect(
      await problems({
        toml: '[limits]\nmax_channels = "ten"\n',
        environment: { SKYTALE_RELAY_LIMITS_MAX_CHANNELS: '11' },
      }),
    ).toEqual(['  limits.max_channels (supernode.toml:2): expected an integer of at least 1, got "ten"']);
  });

  test.each([
    [{ host: '0.0.0.0' }, { host: '0.0.0.0', port: 6000 }],
    [{ port: '0' }, { host: '::1', port: 0 }],
    [
      { host: '::', port: '7000' },
      { host: '::', port: 7000 },
    ],
  ])('%j changes its part of the address and leaves the other', async (flags, expected) => {
    const { options } = await load({ toml: '[server]\ngrpc_listen_addr = "[::1]:6000"\n', flags });
    expect(options).toMatchObject(expected);
  });

  test('the environment names the file where no flag does', async () => {
    const file = join(await temporaryDirectory(), 'x.toml');
    await writeFile(file, '[server]\ndata_dir = "/from/file"\n');
    const { options } = await loadConfiguration({
      file: undefined,
      environment: { SKYTALE_RELAY_CONFIG: file },
      flags: { set: [] },
    });
    expect(options.dataDir).toBe('/from/file');
  });

  test('every key has a variable of its own', () => {
    const names = [...KEYS.keys()].map(variableOf);
    expect(new Set(names).size).toBe(names.length);
    expect(variableOf('server.jwt_secret')).toBe('SKYTALE_RELAY_JWT_SECRET');
  });
});

describe('what is refused', () => {
  test('everything that is wrong is told at once, with its place and what was expected', async () => {
    const toml = `
[server]
grpc_listen_addr = "5000"
message_ttl_days = -1

[limits]
max_conections = 3

[engine]
kind = "redis"
`;
    expect(
      await problems({ toml, environment: { SKYTALE_RELAY_LOG_LEVEL: 'loud', SKYTALE_RELAY_LOG_LEVELS: 'x' } }),
    ).toEqual([
      '  server.grpc_listen_addr (supernode.toml:3): expected an address and a port such as "0.0.0.0:5000" or "[::1]:5000", got "5000"',
      '  server.message_ttl_days (supernode.toml:4): expected a number above 0, got -1',
      '  limits.max_conections (supernode.toml:7): no such setting; did you mean limits.max_connections?',
      '  engine.kind (supernode.toml:10): expected one of "memory", "sqlite", "nats", got "redis"',
      '  log.level (SKYTALE_RELAY_LOG_LEVEL): expected one of "debug", "info", "warn", "error", "silent", got "loud"',
      '  SKYTALE_RELAY_LOG_LEVELS: no such setting; did you mean SKYTALE_RELAY_LOG_LEVEL?',
    ]);
  });

  test.each([
    ['[server]\ngrpc_tls_cert = "x.pem"', 'server.grpc_tls_cert and server.grpc_tls_key: expected both or neither'],
    ['[server]\ngrpc_tls_client_ca = "x.pem"', 'server.grpc_tls_client_ca: expected server.grpc_tls_cert and'],
    [
      '[limits]\nmax_message_size = 5000000',
      'limits.max_message_size: expected at most limits.max_frame_bytes, which is 4194304',
    ],
    ['[server]\njwt_secret = "short"', 'server.jwt_secret: expected a secret of at least 32 bytes, got 5'],
    ['[server]\njwt_secret_file = "/nowhere/x"', 'server.jwt_secret_file: /nowhere/x cannot be read (ENOENT)'],
    [
      `[server]\njwt_secret = "${SECRET}"\njwt_secret_file = "/nowhere/x"`,
      'server.jwt_secret and server.jwt_secret_file: expected one',
    ],
    ['[auth]\naudience = "x"', 'auth.audience (supernode.toml:2): expected server.jwt_secret or auth.jwks_url with it'],
    [
      `[server]\njwt_secret = "${SECRET}"\n[auth]\nunknown_plan = "gold"`,
      'auth.unknown_plan: expected one of the plans (free, pro, enterprise), got "gold"',
    ],
    ['[engine]\nkind = "nats"', 'engine.nats.servers: expected at least one server'],
    [
      '[engine.nats]\nreplicas = 2\nservers = ["a:1"]\n[engine]\nkind = "nats"',
      'engine.nats.replicas: expected 1, 3 or 5, got 2',
    ],
    [
      '[plans.free]\nmessages_per_month = "many"',
      'plans.free.messages_per_month (supernode.toml:2): expected an integer of at least 0, or "unlimited"',
    ],
    ['[[limits]]\nmax_channels = 3', 'limits (supernode.toml): no such setting'],
    ['"__proto__" = 3', '__proto__ (supernode.toml:1): no such setting'],
  ])('%j', async (toml, text) => {
    expect((await problems({ toml })).join('\n')).toContain(text);
  });

  test('a file that is no TOML, naming line and column', async () => {
    await expect(load({ toml: '[server]\ndata_dir = \n' })).rejects.toThrow(/supernode\.toml:2:\d+: Invalid TOML/);
  });

  test('a file that cannot be read', async () => {
    await expect(loadConfiguration({ file: '/nowhere.toml', environment: {}, flags: { set: [] } })).rejects.toThrow(
      'the configuration file /nowhere.toml cannot be read',
    );
  });
});

describe('variables that are not meant for us', () => {
  test('those of Kubernetes and Docker beside a service named skytale-relay say nothing, and empty ones neither', async () => {
    const environment = {
      SKYTALE_RELAY_PORT: 'tcp://10.0.0.1:5000',
      SKYTALE_RELAY_SERVICE_HOST: '10.0.0.1',
      SKYTALE_RELAY_SERVICE_PORT_GRPC: '5000',
      SKYTALE_RELAY_PORT_5000_TCP_ADDR: '10.0.0.1',
      SKYTALE_RELAY_HEADLESS_SERVICE_HOST: '10.0.0.2',
      SKYTALE_RELAY_JWT_SECRET: '',
    };
    const { options } = await load({ environment });
    expect(options).toMatchObject({ host: '127.0.0.1', port: 5000 });
    expect(options.auth).toBeUndefined();
  });
});

describe('secrets', () => {
  test('come from the file, from files that it names and from the environment, and are never shown', async () => {
    const directory = await temporaryDirectory();
    const path = join(directory, 'secret');
    await writeFile(path, `${SECRET}-in-file\n`);
    await chmod(path, 0o600);
    const toml = `[auth.secrets]\n"k.1" = "${SECRET}-inline"\n[auth.secret_files]\nk2 = ${JSON.stringify(path)}\n`;
    const { options, shown } = await load({ toml, environment: { SKYTALE_RELAY_JWT_SECRET: `${SECRET}-env` } });
    expect(options.auth?.secrets).toEqual([
      { secret: `${SECRET}-env` },
      { kid: 'k.1', secret: `${SECRET}-inline` },
      { kid: 'k2', secret: `${SECRET}-in-file` },
    ]);
    expect(shown).not.toContain(SECRET);
    expect(shown).toContain('# jwt_secret is set, and not shown (SKYTALE_RELAY_JWT_SECRET)');
    expect(shown).toContain('[auth.secrets]\n# "k.1" is set, and not shown (supernode.toml:2)');
  });

  test('are not taken from flags', async () => {
    await expect(load({ flags: { set: [`server.jwt_secret=${SECRET}`] } })).rejects.toThrow(
      /^(?!.*the-secret).*server\.jwt_secret is a secret/,
    );
  });

  test('stay out of what is said of a broken file, a wrong value and an unknown key', async () => {
    for (const toml of [
      `[server]\njwt_secret = "${SECRET}\n`,
      `[server]\njwt_secret = ["${SECRET}"]\n`,
      `[server]\njwt_sekret = "${SECRET}"\n`,
      `[engine.nats]\nservers = ["nats://relay:${SECRET}@10.0.0.1:4222"]\n`,
    ]) {
      const error = await load({ toml }).catch((reason: unknown) => reason);
      expect(String((error as Error).stack)).not.toContain(SECRET);
      expect(error).toMatchObject({ code: 'invalid_argument' });
    }
  });
});

describe('what comes out', () => {
  test('the printed configuration is TOML that says the same', async () => {
    const toml =
      '[server]\nmessage_ttl_days = 0.5\n[plans."a.b"]\nmessages_per_month = "unlimited"\n[engine.nats]\nservers = ["a:1", "b:2"]\n';
    const first = await load({ toml });
    const second = await load({ toml: first.shown });
    const complete = ({ options }: Configuration): object => ({ ...options, limits: resolveLimits(options.limits) });
    expect(complete(second)).toEqual(complete(first));
    expect(parse(second.shown)).toEqual(parse(first.shown));
    expect(first.options.retentionMs).toBe(12 * 60 * 60 * 1000);
  });

  test('plans are those of the package, with the configured ones in their place or beside them', async () => {
    const toml = `[server]\njwt_secret = "${SECRET}"\n[plans.free]\nmessages_per_month = 5\n[plans.pro]\nmessages_per_month = "unlimited"\n[plans.own]\nmessages_per_month = 0\n`;
    expect((await load({ toml })).options.auth?.plans).toEqual({
      free: { messagesPerMonth: 5 },
      pro: {},
      enterprise: {},
      own: { messagesPerMonth: 0 },
    });
  });

  test('keys of other relays are accepted, and told to be without effect', async () => {
    const { notices } = await load({ toml: '[server]\nlisten_port = 4433\n[privacy]\nbatch_interval_ms = 500\n' });
    expect(notices).toEqual([
      'server.listen_port (supernode.toml:2) has no effect: this relay has no QUIC port',
      'privacy.batch_interval_ms (supernode.toml:4) has no effect: what waits at the same moment is delivered together, and nothing waits for a timer',
    ]);
  });

  test('an engine on NATS gets its servers, credentials and files', async () => {
    const path = join(await temporaryDirectory(), 'password');
    await writeFile(path, 'open sesame\r\n');
    const toml = `[engine]\nkind = "nats"\n[engine.nats]\nservers = ["tls://a:4222"]\nuser = "relay"\npassword_file = ${JSON.stringify(path)}\ntls_ca = "/ca.pem"\nsync_always = true\n`;
    expect((await load({ toml })).options.engine).toEqual({
      kind: 'nats',
      servers: ['tls://a:4222'],
      name: 'skytale',
      shards: 8,
      replicas: 3,
      isSyncAlways: true,
      idWindow: 65_536,
      snapshotRecords: 20_000,
      reservationMs: 20_000,
      user: 'relay',
      password: 'open sesame',
      tls: { caFile: '/ca.pem', isHandshakeFirst: false },
    });
  });
});
