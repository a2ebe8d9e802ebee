import { toSkytaleError, type SkytaleError } from '../../base/errors.ts';
import { type Clock, sleepUnlessAborted } from '../../base/clock.ts';
import { type Backoff, Fifo } from '../../streams/index.ts';
import type { ChannelMessage } from './channel-event.ts';
import type { JournalReader } from './journal-reader.ts';

/**
 * Called with one message after the other, in the channel's order. Returning (or resolving) acknowledges the message. The
 * signal is aborted when the consumer is stopped: a handler that then rejects leaves its message for the next consumer.
 */
export type MessageHandler = (message: ChannelMessage, signal: AbortSignal) => void | PromiseLike<void>;

export interface ConsumerPorts {
  readonly clock: Clock;
  /** Messages that are handled at once. */
  readonly concurrency: number;
  /** Delays between attempts on a message whose handler threw, for each of those that are handled at once. */
  readonly createBackoff: () => Backoff;
  /** Told when the handler has completed for a message. */
  readonly acknowledge: (seq: number) => void;
  /** Told when the handler threw; the message is tried again. */
  readonly reportFailure: (seq: number, attempt: number, error: SkytaleError) => void;
}

/**
 * Runs a handler over journalled messages, so many at once, and acknowledges each when it has completed. A message
 * whose handler throws is tried again after a backoff, for ever: it is never skipped.
 *
 * Its queue holds no more than the channel's journal does, which stops granting credit to the relay when it is full.
 */
export class Consumer implements JournalReader {
  readonly #handler: MessageHandler;
  readonly #ports: ConsumerPorts;
  readonly #abort = new AbortController();
  readonly #queue = new Fifo<ChannelMessage>();
  /** Of lanes that have nothing to do. */
  readonly #wakers: (() => void)[] = [];
  /** Resolves when the consumer has stopped and no handler runs any more. */
  readonly done: Promise<void>;

  constructor(handler: MessageHandler, ports: ConsumerPorts) {
    this.#handler = handler;
    this.#ports = ports;
    const lanes = Array.from({ length: ports.concurrency }, () => this.#run(ports.createBackoff()));
    this.done = Promise.all(lanes).then(() => undefined);
  }

  /** Queues messages, in order. When it has stopped they are in the journal alone, for the next consumer. */
  offer(messages: readonly ChannelMessage[]): void {
    if (this.#abort.signal.aborted) return;
    for (const message of messages) {
      this.#queue.push(message);
      this.#wakers.shift()?.();
    }
  }

  /** Takes no further message, and tells the handlers. Those in hand are acknowledged if their handlers complete. */
  stop(): void {
    this.#abort.abort();
    this.#queue.clear();
    for (const wake of this.#wakers.splice(0)) wake();
  }

  /** One lane: it handles one message at a time. */
  async #run(backoff: Backoff): Promise<void> {
    const { signal } = this.#abort;
    while (!signal.aborted) {
      const message = this.#queue.shift();
      if (message === undefined) await new Promise<void>((resolve) => this.#wakers.push(resolve));
      else await this.#handle(message, backoff, signal);
    }
  }

  async #handle(message: ChannelMessage, backoff: Backoff, signal: AbortSignal): Promise<void> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        await this.#handler(message, signal);
        backoff.succeeded();
        this.#ports.acknowledge(message.seq);
        return;
      } catch (error) {
        if (signal.aborted) return;
        this.#ports.reportFailure(message.seq, attempt, toSkytaleError(error));
      }
      if (!(await sleepUnlessAborted(this.#ports.clock, backoff.nextDelayMs(), signal))) return;
    }
  }
}
