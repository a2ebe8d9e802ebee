import type { Clock } from '../base/clock.ts';
import type { AuthenticatorOptions } from './access/index.ts';
import type { MemoryEngineOptions } from './engine/memory/index.ts';
import type { NatsEngineOptions } from './engine/nats/index.ts';
import type { SqliteEngineOptions } from './engine/sqlite/sqlite-engine.ts';
import type { TlsPaths } from './front/index.ts';
import type { RelayLimits } from './limits.ts';
import type { RelayLogger } from './relay-logger.ts';

/** Options of `startRelay`. */
export interface RelayOptions {
  /** Directory of what this relay keeps, created if it is not there. One relay at a time. The memory engine needs none. */
  readonly dataDir?: string;
  /** Where the log of all channels is kept. Default: SQLite, in the data directory. */
  readonly engine?: EngineOptions;
  /** Address to listen on. Default `127.0.0.1`. */
  readonly host?: string;
  /** Default 5000; 0 takes a free one. */
  readonly port?: number;
  /**
   * A second place, plain HTTP, for `/health`, `/ready` and `/metrics`; the last two are then no longer answered on the
   * first one, which strangers can reach. Default: none.
   */
  readonly operatorAddress?: { readonly host: string; readonly port: number };
  /** Encrypts the first address; the files are followed. Default: not encrypted, which is for this machine, or behind a proxy. */
  readonly tls?: TlsPaths;
  /** How accounts prove who they are. Default: not at all; the relay is open, and listens on this machine only. */
  readonly auth?: Omit<AuthenticatorOptions, 'clock'>;
  /**
   * Listen on an address that others can reach although anybody who can reach it may then publish and read ciphertext.
   * Default `false`.
   */
  readonly insecureOpen?: boolean;
  /** How long entries are kept, in ms. Default 7 days. */
  readonly retentionMs?: number;
  /** How long a relay that closes says so on `/health` before it takes no more connections, in ms. Default 0. */
  readonly drainPauseMs?: number;
  /** Default: says nothing. */
  readonly logger?: RelayLogger;
  /** Default: the machine's. */
  readonly clock?: Clock;
  readonly limits?: Partial<RelayLimits>;
}

/** Where the log of all channels is kept. */
export type EngineOptions = MemoryEngineChoice | SqliteEngineChoice | NatsEngineChoice;

/** In the memory of this process, gone with it. For tests and demonstrations. */
export interface MemoryEngineChoice extends Pick<MemoryEngineOptions, 'maxBytes'> {
  readonly kind: 'memory';
}

/** One file on one disk, flushed before anything is acknowledged. */
export interface SqliteEngineChoice extends Pick<SqliteEngineOptions, 'maxBytes' | 'maxCheckedBytes' | 'acceptLoss'> {
  readonly kind: 'sqlite';
}

/** NATS JetStream: several relays over one log. */
export interface NatsEngineChoice
  extends Omit<NatsEngineOptions, 'clock' | 'random' | 'rules' | 'retentionMs' | 'onWarning'> {
  readonly kind: 'nats';
}
