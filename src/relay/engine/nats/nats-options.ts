import { checkInteger } from '../../../base/check.ts';
import type { Clock } from '../../../base/clock.ts';
import { RuntimeError } from '../../../base/errors.ts';
import { systemRandom } from '../../../base/random.ts';
import type { Random } from '../../../base/random.ts';
import { DEFAULT_LOG_RULES } from '../log-rules.ts';
import type { LogRules } from '../log-rules.ts';

/** How {@link openNatsEngine} opens a log. All relays of one log are to be given the same, but for credentials. */
export interface NatsEngineOptions extends NatsConnectionOptions {
  /**
   * Names the log among others on the same servers: streams and subjects begin with it. 1 to 32 letters, digits, `-` or `_`.
   * Default `skytale`.
   */
  readonly name?: string;
  /** Streams over which the channels are spread, 1 to 32, fixed when the log is created. Default 8. */
  readonly shards?: number;
  /** Servers that hold each stream, 1, 3 or 5, fixed when the log is created. Default 3; 1 survives no broken disk. */
  readonly replicas?: number;
  /**
   * Says that the servers run with `sync_interval: always`, which a client of theirs cannot see. Without it, health warns
   * that a power failure may take what was acknowledged. Default `false`.
   */
  readonly isSyncAlways?: boolean;
  /**
   * How long relays keep entries, in ms. Relays trim by themselves; the servers delete, as a last resort, what is older
   * than this and a week. Default 7 days.
   */
  readonly retentionMs?: number;
  /** Stamps entries. */
  readonly clock: Clock;
  /** Default: the machine's. */
  readonly random?: Random;
  readonly rules?: Partial<LogRules>;
  /** Message ids by which each shard recognises what is sent again, fixed when the log is created. Default 65,536. */
  readonly idWindow?: number;
  /** Records of a shard after which its state is written down, so that a relay starts quickly. Default 20,000. */
  readonly snapshotRecords?: number;
  /** How long a place in a quota is reserved, in ms, the same for all relays. Default 20,000. */
  readonly reservationMs?: number;
  /** How long opening waits for servers that are not there yet or have no leader, in ms. Default 30,000. */
  readonly openPatienceMs?: number;
  /** Told what an operator should know: weak durability, lost and regained connections, a reader that had to start again. */
  readonly onWarning?: (message: string) => void;
}

/** Where the servers are, and how to be let in. */
export interface NatsConnectionOptions {
  /** One or more, `host:port` or `nats://host:port`. */
  readonly servers: string | readonly string[];
  readonly user?: string;
  readonly password?: string;
  readonly token?: string;
  /** File with the JWT and seed of a user. */
  readonly credentialsFile?: string;
  /** Seed of an NKey. */
  readonly nkeySeed?: string;
  readonly tls?: NatsTlsOptions;
}

/** TLS to the servers. Files in PEM. */
export interface NatsTlsOptions {
  /** Default: the authorities that Node trusts. */
  readonly caFile?: string;
  readonly certFile?: string;
  readonly keyFile?: string;
  /** Whether the server expects TLS before it says anything. Default `false`. */
  readonly isHandshakeFirst?: boolean;
}

/** Options with their defaults. */
export interface NatsEngineSettings {
  readonly name: string;
  readonly shards: number;
  readonly replicas: number;
  readonly isSyncAlways: boolean;
  readonly retentionMs: number;
  readonly clock: Clock;
  readonly random: Random;
  readonly rules: LogRules;
  readonly idWindow: number;
  readonly snapshotRecords: number;
  readonly reservationMs: number;
  readonly openPatienceMs: number;
  readonly onWarning: (message: string) => void;
}

const DEFAULT_RETENTION_MS = 7 * 24 * 60 * 60 * 1000;

/** The options with their defaults. @throws {@link RuntimeError} `invalid_argument` */
export function resolveNatsOptions(options: NatsEngineOptions): NatsEngineSettings {
  const name = options.name ?? 'skytale';
  if (!/^[A-Za-z0-9_-]{1,32}$/.test(name)) {
    throw new RuntimeError('invalid_argument', 'Expected `name` to be 1 to 32 letters, digits, `-` or `_`.');
  }
  const replicas = options.replicas ?? 3;
  if (![1, 3, 5].includes(replicas)) {
    throw new RuntimeError('invalid_argument', `Expected \`replicas\` to be 1, 3 or 5, got ${replicas}.`);
  }
  if (options.servers.length === 0) {
    throw new RuntimeError('invalid_argument', 'Expected `servers` to name at least one nats-server.');
  }
  return {
    name,
    replicas,
    shards: checkInteger('shards', options.shards ?? 8, 1, 32),
    isSyncAlways: options.isSyncAlways ?? false,
    retentionMs: checkInteger('retentionMs', options.retentionMs ?? DEFAULT_RETENTION_MS, 1),
    clock: options.clock,
    random: options.random ?? systemRandom,
    rules: { ...DEFAULT_LOG_RULES, ...options.rules },
    idWindow: checkInteger('idWindow', options.idWindow ?? 65_536, 1),
    snapshotRecords: checkInteger('snapshotRecords', options.snapshotRecords ?? 20_000, 1),
    reservationMs: checkInteger('reservationMs', options.reservationMs ?? 20_000, 1),
    openPatienceMs: checkInteger('openPatienceMs', options.openPatienceMs ?? 30_000, 0),
    onWarning: options.onWarning ?? (() => undefined),
  };
}
