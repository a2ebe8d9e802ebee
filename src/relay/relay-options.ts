import type { Clock } from '../base/clock.ts';
import type { AuthenticatorOptions } from './access/index.ts';
import type { NatsConnectionOptions } from './engine/nats/index.ts';
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
   * A second place, plain HTTP, for `/health`, `/ready`, `/metrics` and what a control plane asks; all but the first are then no
   * longer answered on the first place, which strangers can reach. Default: none.
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
export interface MemoryEngineChoice {
  readonly kind: 'memory';
  /** Bytes of entries and Welcomes beyond which appends are `unavailable`. Default: what retention leaves. */
  readonly maxBytes?: number;
}

/** One file on one disk, flushed before anything is acknowledged. */
export interface SqliteEngineChoice {
  readonly kind: 'sqlite';
  /** Size that the log may reach on disk, in bytes. Beyond it appends are `unavailable`. Default: no limit. */
  readonly maxBytes?: number;
  /** The structure of the database is checked at the start if it is no larger than this, in bytes. Default 256 MiB. */
  readonly maxCheckedBytes?: number;
  /**
   * Go on although acknowledged entries are missing, which otherwise is `store_damaged`: after a disk was damaged, once, and
   * knowing that readers will be told of a gap. Default `false`.
   */
  readonly acceptLoss?: boolean;
}

/** NATS JetStream: several relays over one log. All of them are to be given the same, but for credentials. */
export interface NatsEngineChoice extends NatsConnectionOptions {
  readonly kind: 'nats';
  /** Names the log among others on the same servers: 1 to 32 letters, digits, `-` or `_`. Default `skytale`. */
  readonly name?: string;
  /** Streams over which the channels are spread, 1 to 32, fixed when the log is created. Default 8. */
  readonly shards?: number;
  /** Servers that hold each stream, 1, 3 or 5, fixed when the log is created. Default 3; 1 survives no broken disk. */
  readonly replicas?: number;
  /** Says that the servers run with `sync_interval: always`, which a client of theirs cannot see. Default `false`. */
  readonly isSyncAlways?: boolean;
  /** Message ids by which each shard recognises what is sent again, fixed when the log is created. Default 65,536. */
  readonly idWindow?: number;
  /** Records of a shard after which its state is written down, so that a relay starts quickly. Default 20,000. */
  readonly snapshotRecords?: number;
  /** How long a place in a quota is reserved, in ms, the same for all relays. Default 20,000. */
  readonly reservationMs?: number;
}
