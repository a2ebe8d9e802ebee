/** Counts from 1, since the plan was armed: the third publish of an agent, its fifth write. */
export interface AtOperation {
  readonly agent: string;
  readonly nth: number;
}

/** In virtual milliseconds since the plan was armed; or as soon afterwards as it makes a difference. */
export interface AtTime {
  readonly atMs: number;
}

/** What somebody publishes who may write to a log and is up to no good. */
export type HostileEntry = 'garbage' | 'garbage-commit' | 'replay';

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
 *   `duplicate-entries`; `repeat-entries`: with them comes the first batch of this connection once more, as from a relay that
 *   replays.
 * - `corrupt-entries`, `truncate-entries`: the payload of the last entry is changed, or cut. `mislabel-entries`: it is said to be
 *   of so many `epochs` later, or earlier.
 *
 * The Welcomes that an agent waits for at the relay (`nth` counts those that are on their way to it):
 * - `lose-welcome`: the connection breaks before it arrives. `repeat-welcome`: it arrives twice.
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
 * - `relay-splits`: shows these agents a history of their own, that begins as the one that the others see; then they are shown
 *   what the others saw. What they had published meanwhile was acknowledged and is not in the log.
 * - `hostile-entries`: somebody who may write to the logs does so, `times` over: `garbage`; a `garbage-commit`, of which the first
 *   wins its epoch; `replay`: the latest message of a member under a fresh id.
 * - `losing-welcome`: with the nth commit that has lost its epoch and brings Welcomes, those are handed out all the same.
 *
 * The control plane:
 * - `control-plane-down`: nobody reaches it.
 *
 * The store of an agent, and the agent:
 * - `store-fails`: from the nth write on, as many writes, each `before` or `after` it has landed.
 * - `crash`: behind the nth write; comes back from its store.
 * - `directory-restored`: it crashes and comes back from its store as that was `ageMs` before, or when the plan was armed.
 * - `directory-deleted`: it crashes and comes back with an empty store.
 * - `directory-damaged`: it crashes and comes back with one record damaged: the one with this `index` in the order of the keys,
 *   counted around.
 * - `second-process`: another process of the agent starts on its store, and ends after a while.
 * - `clock-jump`: its clock is `byMs` further on from now on, or back.
 *
 * The group:
 * - `commit-race`: these agents renew their keys in the same moment. `remove-member`: `agent` removes `member`.
 * - `removal-race`: `agent` removes `member` in the moment in which that renews its keys and speaks.
 * - `bad-key-package`: `agent` adds somebody by a key package that has `expired`, or by one good one `twice`.
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
  | (AtOperation & { readonly kind: 'mislabel-entries'; readonly epochs: number })
  | (AtOperation & { readonly kind: 'lose-welcome' | 'repeat-welcome' })
  | (AtTime & { readonly kind: 'disconnect' | 'token-expires'; readonly agent: string })
  | (AtTime & { readonly kind: 'partition'; readonly agents: readonly string[]; readonly forMs: number })
  | (AtTime & { readonly kind: 'half-open'; readonly agent: string; readonly forMs: number })
  | (AtTime & { readonly kind: 'slow-reader' | 'withhold'; readonly agent: string; readonly forMs: number })
  | { readonly kind: 'relay-crash'; readonly nth: number; readonly when: 'before' | 'after'; readonly forMs: number }
  | (AtTime & { readonly kind: 'relay-restored'; readonly entries: number })
  | (AtTime & { readonly kind: 'retention' })
  | (AtTime & { readonly kind: 'relay-splits'; readonly agents: readonly string[]; readonly forMs: number })
  | (AtTime & { readonly kind: 'hostile-entries'; readonly what: HostileEntry; readonly times: number })
  | { readonly kind: 'losing-welcome'; readonly nth: number }
  | (AtTime & { readonly kind: 'control-plane-down'; readonly forMs: number })
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
  | (AtTime & { readonly kind: 'directory-deleted'; readonly agent: string; readonly forMs: number })
  | (AtTime & {
      readonly kind: 'directory-damaged';
      readonly agent: string;
      readonly index: number;
      readonly forMs: number;
    })
  | (AtTime & { readonly kind: 'second-process'; readonly agent: string; readonly forMs: number })
  | (AtTime & { readonly kind: 'clock-jump'; readonly agent: string; readonly byMs: number })
  | (AtTime & { readonly kind: 'commit-race'; readonly agents: readonly string[] })
  | (AtTime & { readonly kind: 'remove-member' | 'removal-race'; readonly agent: string; readonly member: string })
  | (AtTime & { readonly kind: 'bad-key-package'; readonly agent: string; readonly how: 'expired' | 'twice' });

/** What a {@link Fault} is called. */
export type FaultKind = Fault['kind'];

/** The faults of these kinds. */
export type FaultOf<Kind extends FaultKind, Among extends Fault = Fault> = Among extends { readonly kind: infer Kinds }
  ? Kind extends Kinds
    ? Omit<Among, 'kind'> & { readonly kind: Kind }
    : never
  : never;
