import type { Subscription } from 'rxjs';
import type { CallOptions, Channel, ConsumeOptions, Consumption } from '../actors/channel/index.ts';
import { onAbort } from '../streams/index.ts';

/** Options of {@link ClientChannel.messages}. `signal` ends the iteration. */
export interface MessagesOptions extends CallOptions {
  /**
   * What becomes of messages that come after the iteration. `keep` (default): they wait, on disk, for the next one, or for
   * {@link Channel.consume}. `let-pass`: they are for the channel's streams alone.
   *
   * 1,024 messages or 8 MiB are kept; then the relay is asked for no more, which a `slow` fault tells, until somebody reads on. As
   * changes of the group wait as well then, whoever has iterated and is to read the streams alone from now on ends the last
   * iteration with `let-pass`.
   */
  readonly afterwards?: ConsumeOptions['afterwards'];
}

/** A call of `next` that waits. */
interface Call {
  readonly resolve: (result: IteratorResult<Uint8Array, undefined>) => void;
  readonly reject: (error: Error) => void;
}

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
 * iteration and not the channel: a later one goes on where it ended, see {@link MessagesOptions.afterwards}.
 */
export class PayloadIterator implements AsyncIterableIterator<Uint8Array> {
  readonly #consumption: Consumption;
  readonly #ending: Subscription;
  readonly #ignoreSignal: (() => void) | undefined;
  #offer: Offer | undefined;
  #taken: Offer | undefined;
  /** Calls of `next` that wait, oldest first. */
  readonly #calls: Call[] = [];
  #isDone = false;
  /** Told to the first call that waits, or comes, after the end. */
  #failure: { readonly reason: unknown } | undefined;

  /**
   * When `signal` is aborted a call of `next` that waits, or else the following one, rejects with its reason.
   *
   * @throws {@link ChannelError} `bad_request` if the channel is being iterated or consumed already; {@link RuntimeError}
   * `invalid_argument`; the reason of `signal`
   */
  constructor(channel: Channel, { signal, afterwards = 'keep' }: MessagesOptions = {}) {
    signal?.throwIfAborted();
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
      { afterwards },
    );
    const end = (): void => this.#end();
    this.#ending = channel.status$.subscribe({ complete: end, error: end });
    this.#ignoreSignal = signal && onAbort(signal, () => this.#abort(signal.reason));
  }

  next(): Promise<IteratorResult<Uint8Array, undefined>> {
    this.#acknowledge();
    return new Promise((resolve, reject) => {
      this.#calls.push({ resolve, reject });
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
      this.#settleCalls();
      return;
    }
    if (this.#offer === undefined) return;
    const call = this.#calls.shift();
    if (call === undefined) return;
    this.#taken = this.#offer;
    this.#offer = undefined;
    call.resolve({ done: false, value: this.#taken.payload });
    // Asking for the next message finishes this one; a call that waits has asked already.
    if (this.#calls.length > 0) this.#acknowledge();
  }

  #settleCalls(): void {
    for (const { resolve, reject } of this.#calls.splice(0)) {
      const failure = this.#failure;
      this.#failure = undefined;
      if (failure === undefined) resolve({ done: true, value: undefined });
      else reject(failure.reason as Error);
    }
  }

  /** What was handed out counts as handled, as it does when the channel is closed. */
  #abort(reason: unknown): void {
    if (this.#isDone) return;
    this.#failure = { reason };
    this.#end();
    void this.#consumption.stop();
  }

  #end(): void {
    this.#isDone = true;
    this.#ending.unsubscribe();
    this.#ignoreSignal?.();
    this.#deliver();
  }
}
