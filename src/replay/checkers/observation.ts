import type { ChannelStatus } from '../../actors/channel/index.ts';
import type { LogEntry } from '../../transport/index.ts';

/** What became of a send, from where its caller stood. */
export type SendOutcome =
  | { readonly kind: 'accepted'; readonly seq: number }
  /** The relay or the channel said no: it must never be seen. */
  | { readonly kind: 'refused'; readonly code: string }
  /** The agent crashed or its channel was closed before there was an answer: it may be seen once, or not at all. */
  | { readonly kind: 'unknown' };

/** Whose life something happened in. */
export interface InLife {
  readonly agent: string;
  /** Counts from 1. */
  readonly life: number;
}

/** One thing that was seen to happen, in the order of things. Payloads stand as hexadecimal. */
export type Observation =
  /** A channel is open, at this place in its log. */
  | (InLife & { readonly kind: 'opened'; readonly epoch: bigint; readonly seq: number; readonly consumes: boolean })
  | (InLife & { readonly kind: 'send'; readonly call: number; readonly payload: string })
  | (InLife & { readonly kind: 'settled'; readonly call: number; readonly outcome: SendOutcome })
  | (InLife & {
      readonly kind: 'message';
      readonly seq: number;
      readonly epoch: bigint;
      readonly sender: string;
      readonly payload: string;
      readonly redelivered: boolean;
      /** What the channel's state says at this moment. */
      readonly stateEpoch: bigint;
    })
  /** The handler of a durable consumer has completed. */
  | (InLife & { readonly kind: 'handled'; readonly seq: number; readonly payload: string })
  | (InLife & {
      readonly kind: 'epoch';
      readonly epoch: bigint;
      readonly seq: number;
      readonly added: readonly string[];
      readonly removed: readonly string[];
      readonly stateEpoch: bigint;
    })
  | (InLife & { readonly kind: 'gap'; readonly afterSeq: number; readonly resumesAtSeq: number })
  | (InLife & {
      readonly kind: 'unreadable';
      readonly seq: number;
      readonly epoch: bigint;
      readonly why: 'stale' | 'undecryptable';
    })
  | (InLife & { readonly kind: 'crashed' })
  /** What it keeps is an old copy: it has forgotten what it had seen since. */
  | (InLife & { readonly kind: 'restored' })
  /** How a channel is at the end, before it is stopped. */
  | (InLife & {
      readonly kind: 'state';
      readonly status: ChannelStatus;
      readonly epoch: bigint;
      readonly seq: number;
      readonly unsettled: number;
      readonly authenticator: string;
      readonly members: readonly string[];
    })
  /** A stream of the channel has completed. */
  | (InLife & { readonly kind: 'completed' });

/** The observations of these kinds. */
export type ObservationOf<Kind extends Observation['kind']> = Extract<Observation, { readonly kind: Kind }>;

/** A run of one channel: what its members saw, and what its relay had. */
export interface RunRecord {
  readonly observations: readonly Observation[];
  /** Everything that was ever in the log, also what retention has taken. */
  readonly log: readonly LogEntry[];
}

/** Something that must not be. */
export interface Violation {
  /** The name of the checker that found it. */
  readonly checker: string;
  readonly agent: string;
  readonly detail: string;
}

/** Finds out whether a promise was kept. A name, and what it found. */
export interface Checker {
  readonly name: string;
  check(run: RunRecord): readonly Violation[];
}
