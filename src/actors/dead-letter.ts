/** Why a message was not handled. */
export type DeadLetterReason =
  /** The actor had stopped, or did before its turn. */
  | 'stopped'
  /** The mailbox was full. */
  | 'overflow'
  /** The actor crashed on it as often as its mailbox allows. */
  | 'poison'
  /** The actor's `decide` said to go on without it. */
  | 'skipped'
  /** The actor was stopped while it handled it, and its grace was over. */
  | 'abandoned'
  /** A reply to an `ask` that was settled already. */
  | 'lateReply';

/** A message that nobody handled, kept whole so that it can be looked at and sent again. */
export interface DeadLetter {
  readonly reason: DeadLetterReason;
  /** Path of the actor that it was for. */
  readonly path: string;
  readonly message: unknown;
  /** The error of the crash, with `poison` and `skipped`. */
  readonly error?: unknown;
}
