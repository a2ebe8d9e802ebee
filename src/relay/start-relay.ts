import { join } from 'node:path';
import { checkInteger } from '../base/check.ts';
import { sleepUnlessAborted, systemClock } from '../base/clock.ts';
import { toSkytaleError } from '../base/errors.ts';
import type { SkytaleError } from '../base/errors.ts';
import { createAccessControl, createAuthenticator, createOperatorAuthenticator } from './access/index.ts';
import { boundedLogger } from './bounded-logger.ts';
import { DeliveryHub } from './delivery/delivery-hub.ts';
import { checkExposure } from './exposure.ts';
import { HealthWatch } from './health-watch.ts';
import { internalRoutes } from './internal-routes.ts';
import { resolveLimits } from './limits.ts';
import { PrometheusMetrics } from './metrics/prometheus-metrics.ts';
import { openEngine } from './open-engine.ts';
import { listenForOperator } from './operator-listener.ts';
import { healthRoutes, operatorRoutes } from './operator-routes.ts';
import type { OperatorSources } from './operator-routes.ts';
import { loadOf } from './relay-load.ts';
import type { RelayLoad } from './relay-load.ts';
import { silentLogger } from './relay-logger.ts';
import type { RelayLogger } from './relay-logger.ts';
import { operationsOn } from './relay-operations.ts';
import type { RelayOperations } from './relay-operations.ts';
import type { RelayOptions } from './relay-options.ts';
import { listen } from './relay-server.ts';
import { startRetention } from './retention.ts';
import { followWithdrawals } from './withdrawals.ts';

/** A relay that serves. Its operations are for a control plane in the same process. */
export interface Relay extends RelayOperations {
  /** For clients: `http://127.0.0.1:5000`. */
  readonly endpoint: string;
  readonly port: number;
  /** For the operator's tools: `http://127.0.0.1:8443`; `undefined` if there is no second place to listen. */
  readonly operatorEndpoint: string | undefined;
  /** Settles when the relay has ended: with the error if it failed by itself, without one after {@link Relay.close}. */
  readonly closed: Promise<SkytaleError | undefined>;
  load(): RelayLoad;
  /** Reads the TLS files now, as it does by itself a few seconds after they have changed. */
  reloadTls(): Promise<void>;
  /**
   * Says on `/health` that it drains, waits for `drainPauseMs`, takes no more connections, answers what was published, ends
   * all streams with `UNAVAILABLE`, closes the log. Idempotent.
   */
  close(): Promise<void>;
}

const OPEN_WARNING = 'the relay is open: who reaches it may write to every channel and read its ciphertext';
const NEVER = new AbortController().signal;
const DEFAULT_PORT = 5000;
const DEFAULT_RETENTION_MS = 7 * 24 * 60 * 60 * 1000;

/**
 * Starts a relay.
 *
 * @throws {@link RuntimeError} `invalid_argument` for options out of range or an open address without `insecureOpen`;
 * `data_dir_in_use`, `data_dir_version`, `store_damaged`, `store_error` if the log cannot be opened.
 * @throws {@link TransportError} `connection_error` if an address cannot be listened on.
 *
 * @example
 * const relay = await startRelay({ dataDir: './relay-data', port: 0 });
 * console.log(relay.endpoint);
 * await relay.close();
 */
export async function startRelay(options: RelayOptions): Promise<Relay> {
  const { dataDir, host = '127.0.0.1', operatorAddress, tls, auth, clock = systemClock } = options;
  const logger = boundedLogger(options.logger ?? silentLogger, clock);
  const port = checkInteger('port', options.port ?? DEFAULT_PORT, 0, 65_535);
  const retentionMs = checkInteger('retentionMs', options.retentionMs ?? DEFAULT_RETENTION_MS, 1);
  const drainPauseMs = checkInteger('drainPauseMs', options.drainPauseMs ?? 0, 0);
  const limits = resolveLimits(options.limits);
  const access = auth && createAccessControl(createAuthenticator({ ...auth, clock }), limits, clock);
  checkExposure(host, auth !== undefined, options.insecureOpen ?? false);

  const steps: (() => void | Promise<void>)[] = []; // of closing, in their order
  const closeAll = async (): Promise<void> => {
    for (const step of steps.splice(0)) {
      try {
        await step();
      } catch (error) {
        logger.error({ err: error }, 'a part of the relay could not be closed');
      }
    }
    logger.flush();
  };
  try {
    const engineContext = { dataDir, retentionMs, limits, clock, logger };
    const engine = await openEngine(options.engine ?? { kind: 'sqlite' }, engineContext);
    steps.unshift(() => engine.close());
    let fail: (error: unknown) => void = () => undefined;
    const failure = new Promise<SkytaleError>((resolve) => (fail = (error) => resolve(toSkytaleError(error))));
    const hub = new DeliveryHub(engine, limits.maxRecentBytes, fail);
    steps.unshift(() => hub.close());
    if (access !== undefined) steps.unshift(followWithdrawals(engine, access, logger));
    const operations = operationsOn(engine, clock);
    const metrics = new PrometheusMetrics();
    const stateFile = dataDir === undefined ? undefined : join(dataDir, 'retention');
    const retention = await startRetention({ engine, retentionMs, stateFile, clock, logger, metrics });
    steps.unshift(() => retention.stop());
    steps.push(() => retention.ended); // a sweep may be long; that the engine closes ends it

    let isDraining = false;
    const general = auth === undefined ? [OPEN_WARNING] : [];
    const watch = new HealthWatch(engine, clock);
    const sources: OperatorSources = {
      registry: metrics.registry,
      isDraining: () => isDraining,
      health: () => watch.health(),
      warnings: () => [...general, ...retention.warnings()],
    };
    const authenticator = auth && createOperatorAuthenticator({ ...auth, clock });
    const internal = authenticator === undefined ? [] : internalRoutes({ operations, authenticator, logger });
    const routes = new Map([...operatorRoutes(sources), ...internal]);
    const server = await listen(
      {
        host,
        port,
        routes: operatorAddress === undefined ? routes : healthRoutes(sources),
        isServing: async () => !isDraining && (await watch.health()).status !== 'failing',
        ...(tls === undefined ? {} : { tls }),
      },
      { engine, hub, limits, clock, logger, metrics, ...(access === undefined ? {} : { access }) },
    );
    steps.unshift(() => server.close());
    metrics.watch({ load: () => loadOf(server, hub), health: sources.health });
    const operator = operatorAddress && (await listenForOperator(operatorAddress, routes));
    steps.push(() => operator?.close()); // tells to the end that the relay drains
    for (const warning of general) logger.warn({ host }, warning);
    await announce(watch, urlOf(host, server.port, tls !== undefined), logger);

    let ended: (error: SkytaleError | undefined) => void = () => undefined;
    const closed = new Promise<SkytaleError | undefined>((resolve) => (ended = resolve));
    let closing: Promise<void> | undefined;
    const close = (): Promise<void> => (closing ??= shutDown());
    const shutDown = async (): Promise<void> => {
      isDraining = true;
      if (drainPauseMs > 0) await sleepUnlessAborted(clock, drainPauseMs, NEVER);
      await closeAll();
    };
    void failure.then(async (error) => {
      logger.error({ err: error }, 'the log has failed; the relay ends');
      await close();
      ended(error);
    });
    return {
      endpoint: urlOf(host, server.port, tls !== undefined),
      port: server.port,
      operatorEndpoint:
        operator === undefined || operatorAddress === undefined
          ? undefined
          : urlOf(operatorAddress.host, operator.port),
      closed,
      ...operations,
      load: () => loadOf(server, hub),
      reloadTls: () => server.reloadTls(),
      close: async () => {
        await close();
        ended(undefined);
      },
    };
  } catch (error) {
    await closeAll();
    throw error;
  }
}

/** Says loudly what weakens the relay's promises, then that it is there. */
async function announce(watch: HealthWatch, endpoint: string, logger: RelayLogger): Promise<void> {
  const { engine, durability, warnings } = await watch.health();
  // The NATS engine has told already, when it opened.
  if (engine !== 'nats') for (const warning of warnings) logger.warn({ engine, durability }, warning);
  logger.info({ endpoint, engine, durability }, 'relay is ready');
}

function urlOf(host: string, port: number, isSecure: boolean = false): string {
  return `${isSecure ? 'https' : 'http'}://${host.includes(':') ? `[${host}]` : host}:${port}`;
}
