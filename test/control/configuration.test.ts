import { writeFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { loadControlConfiguration, startControlPlane } from '../../src/control/index.ts';
import { FakeRelay } from './support/fake-relay.ts';
import { SECRET, temporaryFile } from './support/plane.ts';

test('without anything it is SQLite on this machine', async () => {
  expect(await loadControlConfiguration({ environment: {} })).toMatchObject({
    options: {
      host: '127.0.0.1',
      port: 8080,
      database: { kind: 'sqlite', path: './data/control.db' },
      keyMode: 'live',
    },
    jwtSecret: undefined,
    relayUrls: [],
    logLevel: 'info',
  });
});

test('overrides win over the environment, and that over the file', async () => {
  const [file, url] = [await temporaryFile('control.toml'), await temporaryFile('url')];
  await writeFile(url, 'postgres://postgres@127.0.0.1/skytale\n');
  await writeFile(
    file,
    `[control]\nlisten_addr = "0.0.0.0:1"\nissuer = "file"\n[database]\nurl_file = "${url}"\n[plans.team]\nmessages_per_month = 7\n`,
  );
  const { options, jwtSecret, relayUrls } = await loadControlConfiguration({
    file,
    environment: {
      SKYTALE_CONTROL_JWT_SECRET: SECRET,
      SKYTALE_CONTROL_ISSUER: 'environment',
      SKYTALE_CONTROL_LISTEN_ADDR: '[::1]:2',
      SKYTALE_CONTROL_RELAY_URLS: 'http://a:1, http://b:2',
      SKYTALE_CONTROL_LIMITS_MAX_KEYS: '5',
      SKYTALE_CONTROL_PUBLIC_URL: '',
    },
    overrides: { 'control.listen_addr': '127.0.0.1:3' },
  });
  expect(options).toMatchObject({
    host: '127.0.0.1',
    port: 3,
    issuer: 'environment',
    database: { kind: 'postgres', url: 'postgres://postgres@127.0.0.1/skytale' },
    limits: { maxKeys: 5 },
    plans: { team: { messagesPerMonth: 7 }, free: { messagesPerMonth: 100_000 } },
  });
  expect([jwtSecret, relayUrls]).toEqual([SECRET, ['http://a:1', 'http://b:2']]);
});

test('all mistakes are told at once, and no secrets', async () => {
  const environment = {
    SKYTALE_CONTROL_JWT_SECRET: 'short',
    SKYTALE_CONTROL_DATABASE_URL: 'mysql://root:hunter2@db',
    SKYTALE_CONTROL_LISTEN_ADRR: '127.0.0.1:1',
    SKYTALE_CONTROL_KEY_MODE: 'prod',
    SKYTALE_CONTROL_LIMITS_MAX_KEYS: '0',
  };
  const error = await loadControlConfiguration({ environment }).catch((thrown: unknown) => thrown as Error);
  expect(error).toMatchObject({ code: 'invalid_argument' });
  const { message } = error as Error;
  for (const part of [
    'control.jwt_secret',
    'database.url',
    'did you mean SKYTALE_CONTROL_LISTEN_ADDR',
    '"prod"',
    'max_keys',
  ]) {
    expect(message).toContain(part);
  }
  expect(message).not.toMatch(/hunter2|short/);
});

test('options are checked at the door', async () => {
  const good = { port: 0, database: { kind: 'sqlite', path: ':memory:' }, relay: new FakeRelay() } as const;
  const jwtSecrets = [{ secret: SECRET }];
  const bad = [
    { ...good, jwtSecrets: [] },
    { ...good, jwtSecrets: [{ secret: 'short' }] },
    { ...good, jwtSecrets, port: 70_000 },
    { ...good, jwtSecrets, publicUrl: 'nowhere' },
    { ...good, jwtSecrets, basicPlan: 'none' },
    { ...good, jwtSecrets, limits: { maxKeys: 0 } },
    { ...good, jwtSecrets, database: { kind: 'postgres', url: 'mysql://x' } } as const,
    { ...good, jwtSecrets, database: { kind: 'mysql' } } as never,
  ];
  for (const options of bad) {
    await expect(startControlPlane(options)).rejects.toMatchObject({ code: 'invalid_argument' });
  }
});
