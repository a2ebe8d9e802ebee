import type { Subscription } from 'rxjs';
import type { Channel, Consumption } from '../actors/channel/index.ts';

/** A payload that waits to be taken; `acknowledge` lets the consumer go on. */
interface Offer {
  readonly payload: Uint8Array;
  readonly acknowledge: () => void;
}

/**
 * Incoming payloads as an async iterator over a durable consumer.
 *
 * A message is acknowledged when the next one is asked for, or when the iteration ends; so what was handed out and not
 * finished when the process died is handed out again. Ends when the channel does. Breaking off a `for await` ends the
 * iteration and not the channel: a later one goes on behind the last message.
 */
export class PayloadIterator implements AsyncIterableIterator<Uint8Array> {
  readonly #consumption: Consumption;
  readonly #ending: Subscription;
  #offer: Offer | undefined;
  #taken: Offer | undefined;
  /** Calls of `next` that wait, oldest first. */
  readonly #calls: ((result: IteratorResult<Uint8Array, undefined>) => void)[] = [];
  #isDone = false;

  /** @throws {@link ChannelError} `bad_request` if the channel is being iterated or consumed already */
  constructor(channel: Channel) {
    this.#consumption = channel.consume(
      ({ payload }, signal) =>
        new Promise<void>((resolve, reject) => {
          const offer = {
            payload,
            acknowledge: () => {
              signal.removeEventListener('abort', settle);
              resolve();
            },
          };
          // When the channel closes, what was handed out counts as handled, and what was not stays for the next time.
          const settle = (): void => (this.#taken === offer ? resolve() : reject(signal.reason as Error));
          signal.addEventListener('abort', settle, { once: true });
          this.#offer = offer;
          this.#deliver();
        }),
    );
    const end = (): void => this.#end();
    this.#ending = channel.status$.subscribe({ complete: end, error: end });
  }

  next(): Promise<IteratorResult<Uint8Array, undefined>> {
    this.#acknowledge();
    return new Promise((resolve) => {
      this.#calls.push(resolve);
      this.#deliver();
    });
  }

  async return(): Promise<IteratorResult<Uint8Array, undefined>> {
    this.#acknowledge();
    this.#end();
    await this.#consumption.stop();
    return { done: true, value: undefined };
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  #acknowledge(): void {
    this.#taken?.acknowledge();
    this.#taken = undefined;
  }

  #deliver(): void {
    if (this.#isDone) {
      for (const resolve of this.#calls.splice(0)) resolve({ done: true, value: undefined });
      return;
    }
    if (this.#offer === undefined) return;
    const resolve = this.#calls.shift();
    if (resolve === undefined) return;
    this.#taken = this.#offer;
    this.#offer = undefined;
    resolve({ done: false, value: this.#taken.payload });
    // Asking for the next message finishes this one; a call that waits has asked already.
    if (this.#calls.length > 0) this.#acknowledge();
  }

  #end(): void {
    this.#isDone = true;
    this.#ending.unsubscribe();
    this.#deliver();
  }
}
