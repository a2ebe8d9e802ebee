import { isIP } from 'node:net';
import { checkInteger } from '../base/check.ts';
import { systemClock } from '../base/clock.ts';
import type { Clock } from '../base/clock.ts';
import { RuntimeError, toSkytaleError } from '../base/errors.ts';
import type { SkytaleError } from '../base/errors.ts';
import { DeliveryHub } from './delivery/delivery-hub.ts';
import { openSqliteEngine } from './engine/sqlite/sqlite-engine.ts';
import { resolveLimits } from './limits.ts';
import type { RelayLimits } from './limits.ts';
import { silentLogger } from './relay-logger.ts';
import type { RelayLogger } from './relay-logger.ts';
import { noMetrics } from './relay-metrics.ts';
import { listen } from './relay-server.ts';
import { startRetention } from './retention.ts';
import type { SessionHoldings } from './session/session.ts';

/** Options of {@link startRelay}. */
export interface RelayOptions {
  /** Directory of the log, created if it is not there. One relay at a time. */
  readonly dataDir: string;
  /** Address to listen on. Default `127.0.0.1`. */
  readonly host?: string;
  /** Default 5000; 0 takes a free one. */
  readonly port?: number;
  /**
   * Listen on an address that others can reach although anybody who can reach it may then publish and read ciphertext.
   * Default `false`.
   */
  readonly insecureOpen?: boolean;
  /** How long entries are kept, in ms. Default 7 days. */
  readonly retentionMs?: number;
  /** Size that the log may reach on disk, in bytes. Default: no limit. */
  readonly maxLogBytes?: number;
  /** Default: says nothing. */
  readonly logger?: RelayLogger;
  /** Default: the machine's. */
  readonly clock?: Clock;
  readonly limits?: Partial<RelayLimits>;
}

/** What a relay holds in memory for its clients, at this moment. All of it is bounded by the limits. */
export interface RelayLoad {
  readonly connections: number;
  readonly subscriptions: number;
  /** Bytes written to clients that their connections have not taken yet. */
  readonly unreadBytes: number;
  /** Bytes of publishes that wait for their answers. */
  readonly unansweredBytes: number;
  /** Bytes of newest entries that are kept for subscribers. */
  readonly recentBytes: number;
}

/** A relay that serves. */
export interface Relay {
  /** For clients: `http://127.0.0.1:5000`. */
  readonly endpoint: string;
  readonly port: number;
  /** Settles when the relay has ended: with the error if it failed by itself, without one after {@link Relay.close}. */
  readonly closed: Promise<SkytaleError | undefined>;
  load(): RelayLoad;
  /** Answers what was published, ends all streams with `UNAVAILABLE`, closes the log. Idempotent. */
  close(): Promise<void>;
}

const DEFAULT_PORT = 5000;
const DEFAULT_RETENTION_MS = 7 * 24 * 60 * 60 * 1000;

/**
 * Starts a relay with the embedded log.
 *
 * @throws {@link RuntimeError} `invalid_argument` for options out of range or an open address without `insecureOpen`;
 * `data_dir_in_use`, `data_dir_version`, `store_damaged`, `store_error` if the log cannot be opened.
 * @throws {@link TransportError} `connection_error` if the address cannot be listened on.
 *
 * @example
 * const relay = await startRelay({ dataDir: './relay-data', port: 0 });
 * console.log(relay.endpoint);
 * await relay.close();
 */
export async function startRelay(options: RelayOptions): Promise<Relay> {
  const { dataDir, host = '127.0.0.1', logger = silentLogger, clock = systemClock, maxLogBytes } = options;
  const port = checkInteger('port', options.port ?? DEFAULT_PORT, 0, 65_535);
  const retentionMs = checkInteger('retentionMs', options.retentionMs ?? DEFAULT_RETENTION_MS, 1);
  if (maxLogBytes !== undefined) checkInteger('maxLogBytes', maxLogBytes, 1);
  const limits = resolveLimits(options.limits);
  if (!isLoopback(host) && options.insecureOpen !== true) {
    throw new RuntimeError(
      'invalid_argument',
      `the relay does not authenticate its clients yet, so it listens on this machine only, not on ${host}; ` +
        'set `insecureOpen` (--insecure-open) where only trusted clients can reach it',
    );
  }

  const engine = await openSqliteEngine({
    dataDir,
    clock,
    rules: { staleEpochs: limits.staleEpochs },
    ...(maxLogBytes === undefined ? {} : { maxBytes: maxLogBytes }),
    onStoreError: (error) => logger.error({ err: error }, 'the log cannot be written'),
  });
  let fail: (error: unknown) => void = () => undefined;
  const failed = new Promise<SkytaleError>((resolve) => (fail = (error) => resolve(toSkytaleError(error))));
  const hub = new DeliveryHub(engine, limits.maxRecentBytes, fail);
  const server = await listen({ host, port }, { engine, hub, limits, clock, logger, metrics: noMetrics }).catch(async (error: unknown) => {
    hub.close();
    await engine.close();
    throw error;
  });
  const stopRetention = startRetention(engine, retentionMs, clock, logger);

  const shutDown = async (): Promise<void> => {
    stopRetention();
    await server.close();
    hub.close();
    await engine.close();
  };
  let closing: Promise<void> | undefined;
  const close = (): Promise<void> => (closing ??= shutDown());
  let ended: (error: SkytaleError | undefined) => void = () => undefined;
  const closed = new Promise<SkytaleError | undefined>((resolve) => (ended = resolve));
  void failed.then(async (error) => {
    logger.error({ err: error }, 'the log has failed; the relay ends');
    await close();
    ended(error);
  });

  const endpoint = `http://${host.includes(':') ? `[${host}]` : host}:${server.port}`;
  logger.info({ endpoint }, 'relay is ready');
  return {
    endpoint,
    port: server.port,
    closed,
    load: () => {
      const sessions = server.holdings();
      const sum = (key: keyof SessionHoldings): number => sessions.reduce((total, held) => total + held[key], 0);
      return {
        connections: sessions.length,
        subscriptions: sum('subscriptions'),
        unreadBytes: sum('unreadBytes'),
        unansweredBytes: sum('unansweredBytes'),
        recentBytes: hub.recent.bytes,
      };
    },
    close: async () => {
      await close();
      ended(undefined);
    },
  };
}

function isLoopback(host: string): boolean {
  if (host === 'localhost' || host === '::1') return true;
  return isIP(host) === 4 && host.startsWith('127.');
}
