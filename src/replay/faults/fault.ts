/** Counts from 1, since the plan was armed: the third publish of an agent, its fifth write. */
export interface AtOperation {
  readonly agent: string;
  readonly nth: number;
}

/** In virtual milliseconds since the plan was armed; or as soon afterwards as it makes a difference. */
export interface AtTime {
  readonly atMs: number;
}

/**
 * One thing that goes wrong, once.
 *
 * What an agent publishes (`nth` counts the frames that it hands to the relay):
 * - `lose-publish`: the connection breaks before the relay has it.
 * - `lose-answer`: the relay has stored it, the connection breaks before the answer arrives.
 * - `delay-publish`, and all that the agent sends behind it; `delay-answer`, which what the relay sends later overtakes.
 * - `refuse-publish`: the relay refuses the submissions from index `from` on, as when a quota is reached in the middle of a batch.
 *
 * What the relay hands to an agent (`nth` counts batches of entries):
 * - `delay-entries`, and all behind them; `reorder-entries`: what comes later overtakes them; `drop-entries`;
 *   `duplicate-entries`; `repeat-entries`: with them comes the first batch of this connection once more.
 * - `corrupt-entries`, `truncate-entries`: the payload of the last entry is changed, or cut.
 *
 * The connection of an agent:
 * - `disconnect`; `token-expires`: the relay ends it, as for an outdated token.
 * - `partition`: these agents do not reach the relay. `half-open`: it looks alive, and nothing passes either way; then it breaks.
 * - `slow-reader`: the agent grants no credit. `withhold`: the relay hands it no entries.
 *
 * The relay:
 * - `relay-crash`: with the nth publish of anybody, before or after that is stored.
 * - `relay-restored`: from a backup that lacks the last entries of each channel.
 * - `retention`: everything that is in the logs is gone.
 *
 * The store of an agent, and the agent:
 * - `store-fails`: from the nth write on, as many writes, each `before` or `after` it has landed.
 * - `crash`: behind the nth write; comes back from its store.
 * - `directory-restored`: it crashes and comes back from its store as that was `ageMs` before, or when the plan was armed.
 *
 * The group:
 * - `commit-race`: these agents renew their keys in the same moment. `remove-member`: `agent` removes `member`.
 */
export type Fault =
  | (AtOperation & { readonly kind: 'lose-publish' | 'lose-answer' })
  | (AtOperation & { readonly kind: 'delay-publish' | 'delay-answer'; readonly ms: number })
  | (AtOperation & {
      readonly kind: 'refuse-publish';
      readonly from: number;
      readonly reason: 'quota-exceeded' | 'rate-limited' | 'unavailable';
      readonly retryAfterMs: number;
    })
  | (AtOperation & { readonly kind: 'delay-entries' | 'reorder-entries'; readonly ms: number })
  | (AtOperation & {
      readonly kind: 'drop-entries' | 'duplicate-entries' | 'repeat-entries' | 'corrupt-entries' | 'truncate-entries';
    })
  | (AtTime & { readonly kind: 'disconnect' | 'token-expires'; readonly agent: string })
  | (AtTime & { readonly kind: 'partition'; readonly agents: readonly string[]; readonly forMs: number })
  | (AtTime & { readonly kind: 'half-open'; readonly agent: string; readonly forMs: number })
  | (AtTime & { readonly kind: 'slow-reader' | 'withhold'; readonly agent: string; readonly forMs: number })
  | { readonly kind: 'relay-crash'; readonly nth: number; readonly when: 'before' | 'after'; readonly forMs: number }
  | (AtTime & { readonly kind: 'relay-restored'; readonly entries: number })
  | (AtTime & { readonly kind: 'retention' })
  | (AtOperation & {
      readonly kind: 'store-fails';
      readonly writes: number;
      readonly reason: 'full' | 'read-only' | 'locked';
      readonly when: 'before' | 'after';
    })
  | (AtOperation & { readonly kind: 'crash'; readonly forMs: number })
  | (AtTime & {
      readonly kind: 'directory-restored';
      readonly agent: string;
      readonly ageMs: number;
      readonly forMs: number;
    })
  | (AtTime & { readonly kind: 'commit-race'; readonly agents: readonly string[] })
  | (AtTime & { readonly kind: 'remove-member'; readonly agent: string; readonly member: string });

/** What a {@link Fault} is called. */
export type FaultKind = Fault['kind'];

/** The faults of these kinds. */
export type FaultOf<Kind extends FaultKind, Among extends Fault = Fault> = Among extends { readonly kind: infer Kinds }
  ? Kind extends Kinds
    ? Omit<Among, 'kind'> & { readonly kind: Kind }
    : never
  : never;
