import type { Clock } from '../base/clock.ts';
import type { Plans, SharedSecret } from '../relay/access/index.ts';
import type { RelayLogger } from '../relay/index.ts';
import type { Payments } from './billing/payments.ts';
import type { KeyMode } from './keys/api-key.ts';
import type { ControlLimits } from './limits.ts';
import type { RelayOperations } from './relay/relay-operations.ts';

/** Options of `startControlPlane`. */
export interface ControlPlaneOptions {
  /** Address to listen on. Default `127.0.0.1`. */
  readonly host?: string;
  /** Default 8080; 0 takes a free one. */
  readonly port?: number;
  readonly database: DatabaseChoice;
  /** HS256 secrets of at least 32 bytes, which relays share. The first one signs, all of them verify. */
  readonly jwtSecrets: readonly SharedSecret[];
  /** The `iss` of tokens. Default `skytale-api`. */
  readonly issuer?: string;
  /** The `aud` of tokens, if relays expect one. Default: none. */
  readonly audience?: string;
  /** By how much the clocks of several control planes may differ, in ms. Default 30,000. */
  readonly leewayMs?: number;
  /** The relays: `localRelay(relay)`, or `remoteRelay({ urls, secret })`. */
  readonly relay: RelayOperations;
  /** Default: `free` with 100,000 messages a month, `pro` with 1,000,000, `enterprise` without a limit; as relays have it. */
  readonly plans?: Plans;
  /** The plan of new accounts. Default `free`. */
  readonly basicPlan?: string;
  /** Who takes the money. Default: nobody; a checkout switches the plan at once. */
  readonly payments?: Payments;
  /** Which keys this server issues, and takes. Default `live`. */
  readonly keyMode?: KeyMode;
  /** Where people reach this server, for addresses in answers. Default: its endpoint. */
  readonly publicUrl?: string;
  /** Addresses or networks of proxies whose `x-forwarded-for` tells who asks. Default: none. */
  readonly trustedProxies?: readonly string[];
  /** Default: says nothing. */
  readonly logger?: RelayLogger;
  /** Default: the machine's. */
  readonly clock?: Clock;
  readonly limits?: Partial<ControlLimits>;
}

/** Where the control plane keeps everything. */
export type DatabaseChoice = SqliteChoice | PostgresChoice;

/** One file, for one process. */
export interface SqliteChoice {
  readonly kind: 'sqlite';
  /** Created if it is not there, with its directory. `:memory:` is gone with the process. */
  readonly path: string;
}

/** A server, for several processes. */
export interface PostgresChoice {
  readonly kind: 'postgres';
  /** `postgres://user:password@host:5432/database` */
  readonly url: string;
  /** Connections at once. Default 10. One more listens for changes. */
  readonly maxConnections?: number;
}
