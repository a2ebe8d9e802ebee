import type { Keyv } from 'keyv';
import type { Clock } from '../../base/clock.ts';
import type { SkytaleError } from '../../base/errors.ts';
import type { GroupCodec } from './group-codec.ts';
import type { StateKey } from './state-key.ts';

/** Options that do not depend on where the records go. */
export interface StoreOptions {
  readonly codec: GroupCodec;
  /**
   * Saves after which a channel is written anew as a whole; from 0 to 128, 100 by default. Between two such writes, secrets
   * that were used since the first are still in the store. 0 leaves none, at the cost of writing the whole group each time.
   */
  readonly foldAfterDeltas?: number;
  /**
   * The same after a time: milliseconds from a save until a secret that it made obsolete is gone from the store; up to an
   * hour, 1 000 by default. Happens in the background, once in that time at most and for one channel after the other.
   * 0 is with every save.
   */
  readonly foldAfterMs?: number;
  readonly clock?: Clock;
  /** Told when something failed in the background: it is tried again, and the next save or load meets the same error. */
  readonly onBackgroundError?: (error: SkytaleError) => void;
}

/** What a store tells to what it stands on. */
export interface StoreHooks {
  /** Called when records with spent secrets were overwritten or deleted, to purge copies that the store still has. */
  readonly onErased?: () => Promise<void>;
  /** Called once, at the end of {@link AgentStore.close}. By default nothing is closed. */
  readonly onClosed?: () => Promise<void>;
}

/** Options of {@link openAgentStore}. */
export interface AgentStoreOptions extends StoreOptions, StoreHooks {
  /**
   * Where the records go. For one agent store alone in its namespace, and taken over by it: see {@link KeyvRecords}.
   * Its adapter must not be another instance's as well: Keyv tells adapters the namespace, and with `@keyv/redis` the last
   * one told counts for all. What Keyv acknowledges must be durable. Spent secrets are gone as far as the store forgets what it deletes.
   */
  readonly keyv: Keyv;
  /** Encrypts all records. The first opener decides; later ones must give the same key, or none where none was given. */
  readonly stateKey?: StateKey | undefined;
}
