import { onTestFinished } from 'vitest';
import { createAccessControl, createAuthenticator } from '../../../../src/relay/access/index.ts';
import type { AccountId, Authenticator, AuthenticatorOptions } from '../../../../src/relay/access/index.ts';
import { DeliveryHub } from '../../../../src/relay/delivery/delivery-hub.ts';
import type { LogEngine } from '../../../../src/relay/engine/log-engine.ts';
import { openMemoryEngine } from '../../../../src/relay/engine/memory/index.ts';
import { openSqliteEngine } from '../../../../src/relay/engine/sqlite/sqlite-engine.ts';
import { resolveLimits } from '../../../../src/relay/limits.ts';
import type { RelayLimits } from '../../../../src/relay/limits.ts';
import { silentLogger } from '../../../../src/relay/relay-logger.ts';
import { noMetrics } from '../../../../src/relay/relay-metrics.ts';
import type { RelayMetrics } from '../../../../src/relay/relay-metrics.ts';
import { listen } from '../../../../src/relay/relay-server.ts';
import type { RelayServer } from '../../../../src/relay/relay-server.ts';
import { followWithdrawals } from '../../../../src/relay/withdrawals.ts';
import { RawClient } from '../../support/raw-client.ts';
import { temporaryDirectory } from '../../support/temp-dir.ts';
import { TestClock } from '../../support/test-clock.ts';
import { claimsAt, hs256, SECRET } from './tokens.ts';

export const A = 'account-a' as AccountId;
export const B = 'account-b' as AccountId;
export const C = 'account-c' as AccountId;

/** A relay that asks for tokens, with its parts at hand. */
export interface GuardedRelay {
  readonly endpoint: string;
  readonly clock: TestClock;
  readonly engine: LogEngine;
  readonly server: RelayServer;
  /** A token that the relay takes now. */
  readonly token: (account: AccountId, claims?: Record<string, unknown>) => string;
  /** A greeted client of an account. */
  readonly connect: (account: AccountId, claims?: Record<string, unknown>) => Promise<RawClient>;
}

export interface GuardedRelayOptions {
  readonly limits?: Partial<RelayLimits>;
  readonly auth?: Partial<AuthenticatorOptions>;
  readonly metrics?: RelayMetrics;
  /** Called with each token before it is verified, which waits for it. */
  readonly beforeVerifying?: () => void | Promise<void>;
  /** Default: `memory`, which starts faster. */
  readonly engine?: 'memory' | 'sqlite';
  /** Stands between the relay and its engine. */
  readonly around?: (engine: LogEngine) => LogEngine;
}

/** Starts one on a free port; it is closed when the test has finished. */
export async function startGuardedRelay(options: GuardedRelayOptions = {}): Promise<GuardedRelay> {
  const clock = new TestClock();
  const limits = resolveLimits(options.limits);
  const rules = { staleEpochs: limits.staleEpochs, maxChannels: limits.maxChannels };
  const log =
    options.engine === 'sqlite'
      ? await openSqliteEngine({ dataDir: await temporaryDirectory(), clock, rules })
      : openMemoryEngine({ clock, rules });
  const engine = options.around?.(log) ?? log;
  const hub = new DeliveryHub(engine, limits.maxRecentBytes, (error) => {
    throw error;
  });
  const verifier = createAuthenticator({ secrets: [{ secret: SECRET }], clock, ...options.auth });
  const authenticator: Authenticator = {
    async authenticate(given) {
      await options.beforeVerifying?.();
      return verifier.authenticate(given);
    },
  };
  const access = createAccessControl(authenticator, limits, clock);
  const unfollow = followWithdrawals(engine, access, silentLogger);
  const { metrics = noMetrics } = options;
  const context = { engine, hub, limits, clock, logger: silentLogger, metrics, access };
  const server = await listen({ host: '127.0.0.1', port: 0 }, context);
  onTestFinished(async () => {
    await server.close();
    unfollow();
    hub.close();
    await engine.close();
  });
  const endpoint = `http://127.0.0.1:${server.port}`;
  const token = (account: AccountId, claims: Record<string, unknown> = {}): string =>
    hs256(claimsAt(clock.now(), { sub: account, ...claims }));
  return {
    endpoint,
    clock,
    engine,
    server,
    token,
    connect: (account, claims) => RawClient.connect(endpoint, token(account, claims)),
  };
}

/** Everything that the relay had to do before has been done when this resolves. */
export async function pong(client: RawClient): Promise<void> {
  const nonce = BigInt(client.frames.length + 1);
  client.send({ case: 'ping', value: { nonce } });
  await client.next('pong', (value) => value.nonce === nonce);
}

/** The engine, but for what is given. */
export function overriding(engine: LogEngine, changes: Partial<LogEngine>): LogEngine {
  return new Proxy(engine, {
    get(target, key) {
      const own: unknown = Reflect.get(key in changes ? changes : target, key);
      return typeof own === 'function' ? (own as (...args: unknown[]) => unknown).bind(target) : own;
    },
  });
}
