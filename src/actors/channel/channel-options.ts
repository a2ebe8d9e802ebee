/** Options of calls that wait for the relay or for other members. */
export interface CallOptions {
  /**
   * Gives up waiting: the call rejects with its reason. What was begun by then goes on all the same; nothing is begun if it is
   * aborted before the call.
   */
  readonly signal?: AbortSignal;
}

/** Options of {@link Channel.send}. */
export interface SendOptions {
  /** Gives up waiting: the call rejects with its reason. A message that is in the mailbox by then is sent all the same. */
  readonly signal?: AbortSignal;
  /** The relay has the message durably: nobody else is asked. See {@link ConfirmedSendOptions} for more. */
  readonly receipt?: 'accepted';
}

/** Options of {@link Channel.stop}. */
export interface StopOptions {
  /** How long messages that were accepted may take to reach the relay, in milliseconds, if it is there. Default 2 000. */
  readonly graceMs?: number;
}

/** Options of {@link Channel.consume}. */
export interface ConsumeOptions {
  /**
   * Messages that are handled at once: 1 to 1,024. Default 1. They begin in order, and end as they end: what needs the
   * outcome of an earlier message wants 1.
   */
  readonly concurrency?: number;
  /**
   * What becomes of messages that come after the consumer was stopped. `let-pass` (default): they are for the streams alone.
   * `keep`: they are journalled for the next consumer; when the journal is full, at 1,024 messages or 8 MiB, the relay is asked for
   * no more, which a `slow` fault tells. As changes of the group wait as well then, who may be the last consumer wants the other.
   * Until the next consumer comes, or the channel is closed.
   */
  readonly afterwards?: 'let-pass' | 'keep';
}

/** A durable consumer at work. */
export interface Consumption {
  /** Takes no further message; resolves when the handler has completed for the one in hand. */
  stop(): Promise<void>;
}
