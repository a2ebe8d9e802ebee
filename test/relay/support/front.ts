import { onTestFinished } from 'vitest';
import { systemClock } from '../../../src/base/clock.ts';
import type { Clock } from '../../../src/base/clock.ts';
import { DeliveryHub } from '../../../src/relay/delivery/delivery-hub.ts';
import type { LogEngine } from '../../../src/relay/engine/log-engine.ts';
import { openSqliteEngine } from '../../../src/relay/engine/sqlite/sqlite-engine.ts';
import { resolveLimits } from '../../../src/relay/limits.ts';
import type { RelayLimits } from '../../../src/relay/limits.ts';
import { silentLogger } from '../../../src/relay/relay-logger.ts';
import type { ConnectionCut, RelayMetrics } from '../../../src/relay/relay-metrics.ts';
import { noMetrics } from '../../../src/relay/relay-metrics.ts';
import { listen } from '../../../src/relay/relay-server.ts';
import type { ListenOptions, RelayServer } from '../../../src/relay/relay-server.ts';
import { temporaryDirectory } from './temp-dir.ts';
import { eventually } from './eventually.ts';

/** What a {@link TestFront} is started with. */
export interface TestFrontOptions extends Partial<ListenOptions> {
  readonly limits?: Partial<RelayLimits>;
  readonly clock?: Clock;
  /** Stands between the relay and its log. */
  readonly behind?: (engine: LogEngine) => LogEngine;
}

/** A relay's port with a real log behind it, and what it counts. */
export interface TestFront {
  readonly server: RelayServer;
  readonly port: number;
  readonly endpoint: string;
  /** Connections that were let in so far. */
  opened(): number;
  /** Connections that were cut off so far for this reason. */
  cuts(reason: ConnectionCut): number;
  /** Resolves when so many connections were cut off for this reason. */
  cut(reason: ConnectionCut, count?: number): Promise<void>;
  /** Resolves when so many connections are open. */
  holds(connections: number): Promise<void>;
}

/** Serves a port of 127.0.0.1 until the test has finished. */
export async function startFront({
  limits: given,
  clock = systemClock,
  behind = (engine) => engine,
  ...options
}: TestFrontOptions = {}): Promise<TestFront> {
  const limits = resolveLimits(given);
  const cuts = new Map<ConnectionCut, number>();
  let opened = 0;
  const metrics: RelayMetrics = {
    ...noMetrics,
    connectionOpened: () => (opened += 1),
    connectionCut: (reason) => cuts.set(reason, (cuts.get(reason) ?? 0) + 1),
  };
  const log = await openSqliteEngine({ dataDir: await temporaryDirectory(), clock });
  onTestFinished(() => log.close());
  const engine = behind(log);
  const hub = new DeliveryHub(engine, limits.maxRecentBytes, (error) => {
    throw error;
  });
  onTestFinished(() => hub.close());
  const context = { engine, hub, limits, clock, logger: silentLogger, metrics };
  const server = await listen({ host: '127.0.0.1', port: 0, ...options }, context);
  onTestFinished(() => server.close());
  const count = (reason: ConnectionCut): number => cuts.get(reason) ?? 0;
  return {
    server,
    port: server.port,
    endpoint: `http://127.0.0.1:${server.port}`,
    opened: () => opened,
    cuts: count,
    cut: (reason, wanted = 1) => eventually(() => count(reason) >= wanted),
    holds: (connections) => eventually(() => server.connections === connections),
  };
}
