import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { startControlPlane } from '../../../src/control/index.ts';
import type { ControlPlane, ControlPlaneOptions, DatabaseChoice } from '../../../src/control/index.ts';
import { Api } from './api.ts';
import { FakeRelay } from './fake-relay.ts';

export const SECRET = 'the-secret-of-these-tests-0123456789';
export const CHANNEL = 'acme/research/summarizer';

/** A control plane of a test's own, with a relay that notes what it is told. */
export interface Plane {
  readonly server: ControlPlane;
  readonly relay: FakeRelay;
  /** Without credentials. */
  readonly api: Api;
  /** A new account with its first key. */
  readonly account: (name: string) => Promise<TestAccount>;
}

export interface TestAccount {
  readonly id: string;
  readonly key: string;
  readonly api: Api;
}

/** An SQLite file in a directory that goes with the test. */
export async function temporaryFile(name = 'control.db'): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'skytale-control-'));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  return join(directory, name);
}

/** Starts one that ends with the test. */
export async function startPlane(
  options: Partial<ControlPlaneOptions> & { readonly database?: DatabaseChoice } = {},
): Promise<Plane> {
  const relay = new FakeRelay();
  const server = await startControlPlane({
    port: 0,
    database: { kind: 'sqlite', path: ':memory:' },
    jwtSecrets: [{ secret: SECRET }],
    relay,
    ...options,
    limits: {
      accountsPerHour: 1000,
      anonymousPerMinute: 10_000,
      failedAuthenticationsPerMinute: 10_000,
      ...options.limits,
    },
  });
  onTestFinished(() => server.close());
  const api = new Api(server.endpoint);
  return {
    server,
    relay,
    api,
    account: async (name) => {
      const answer = await api.post('/v1/accounts', { email: `${name}@example.org`, name });
      if (answer.status !== 200) throw new Error(`no account: ${answer.status}`);
      const { account, api_key: key } = answer.body as { account: { id: string }; api_key: string };
      return { id: account.id, key, api: api.as(key) };
    },
  };
}
