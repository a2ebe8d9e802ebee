import { toSkytaleError, type SkytaleError } from '../../base/errors.ts';
import { type Clock, sleepUnlessAborted } from '../../base/clock.ts';
import type { Backoff } from '../../streams/index.ts';
import type { ChannelMessage } from './channel-event.ts';

/**
 * Called with one message at a time, in the channel's order. Returning (or resolving) acknowledges the message. The
 * signal is aborted when the consumer is stopped: a handler that then rejects leaves its message for the next consumer.
 */
export type MessageHandler = (message: ChannelMessage, signal: AbortSignal) => void | PromiseLike<void>;

export interface ConsumerPorts {
  readonly clock: Clock;
  /** Delays between attempts on a message whose handler threw. */
  readonly backoff: Backoff;
  /** Told when the handler has completed for a message. */
  readonly acknowledge: (seq: number) => void;
  /** Told when the handler threw; the message is tried again. */
  readonly reportFailure: (seq: number, attempt: number, error: SkytaleError) => void;
}

/**
 * Runs a handler over journalled messages, one after the other, and acknowledges each when it has completed. A message
 * whose handler throws is tried again after a backoff, for ever: it is never skipped.
 *
 * Its queue holds no more than the channel's journal does, which stops granting credit to the relay when it is full.
 */
export class Consumer {
  readonly #handler: MessageHandler;
  readonly #ports: ConsumerPorts;
  readonly #abort = new AbortController();
  readonly #queue: ChannelMessage[] = [];
  #wake: (() => void) | undefined;
  /** Resolves when the consumer has stopped and no handler runs any more. */
  readonly done: Promise<void>;

  constructor(handler: MessageHandler, ports: ConsumerPorts) {
    this.#handler = handler;
    this.#ports = ports;
    this.done = this.#run();
  }

  /** Queues messages, in order. */
  offer(messages: readonly ChannelMessage[]): void {
    this.#queue.push(...messages);
    this.#wake?.();
  }

  /** Takes no further message, and tells the handler. The message in hand is acknowledged if its handler completes. */
  stop(): void {
    this.#abort.abort();
    this.#wake?.();
  }

  async #run(): Promise<void> {
    const { signal } = this.#abort;
    while (!signal.aborted) {
      const message = this.#queue.shift();
      if (message === undefined) {
        await new Promise<void>((resolve) => (this.#wake = resolve));
        this.#wake = undefined;
      } else {
        await this.#handle(message, signal);
      }
    }
  }

  async #handle(message: ChannelMessage, signal: AbortSignal): Promise<void> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        await this.#handler(message, signal);
        this.#ports.backoff.succeeded();
        this.#ports.acknowledge(message.seq);
        return;
      } catch (error) {
        if (signal.aborted) return;
        this.#ports.reportFailure(message.seq, attempt, toSkytaleError(error));
      }
      if (!(await sleepUnlessAborted(this.#ports.clock, this.#ports.backoff.nextDelayMs(), signal))) return;
    }
  }
}
