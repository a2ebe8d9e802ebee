import type { CommitRequest } from './commit-request.ts';
import type { JournalReader } from './journal-reader.ts';
import type { LinkInput } from './link-driver.ts';
import type { Waiter } from './outbox-desk.ts';
import type { RejoinOutcome } from './rejoin-port.ts';

/**
 * What reaches a channel's actor beside payloads, and decides with them what it does. Never dropped, so each kind is bounded where
 * it comes from.
 */
export type ChannelInput =
  | LinkInput
  | { readonly kind: 'connect' }
  | { readonly kind: 'leave'; readonly waiter: Waiter<undefined> }
  | { readonly kind: 'remove-leavers' }
  | { readonly kind: 'replace-rejoiners' }
  | { readonly kind: 'state-epoch' }
  | { readonly kind: 'judge-fork' }
  | RejoinOutcome
  /** Somebody asked for messages. */
  | { readonly kind: 'open-gate' }
  | { readonly kind: 'commit'; readonly request: CommitRequest }
  | { readonly kind: 'consume'; readonly consumer: JournalReader }
  | { readonly kind: 'release'; readonly consumer: JournalReader }
  | { readonly kind: 'acknowledge'; readonly seq: number }
  /** A reader cannot take more, or can again. */
  | { readonly kind: 'hold' }
  | { readonly kind: 'let-go' }
  /** Something may be done now that could not before: a delay is over. */
  | { readonly kind: 'wake' }
  /** What is not on disk yet should be. */
  | { readonly kind: 'flush' }
  | { readonly kind: 'stop' };
