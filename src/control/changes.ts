import type { Clock } from '../base/clock.ts';
import type { Database } from './database/database.ts';
import { Refusal } from './refusal.ts';

/** What a lost word of a change costs at most, in ms. */
const LOOK_AGAIN_MS = 5000;

/** A wait for something to change. */
export interface Wait<T> {
  readonly account: string;
  /** What is told when it changes. */
  readonly topic: string;
  readonly timeoutMs: number;
  /** Aborted when the one who waits is gone: the wait then ends. */
  readonly signal: AbortSignal;
  /** Reads the current value. */
  read(): Promise<T>;
  /** Whether the value is worth an answer. */
  isNews(value: T): boolean;
}

/** Long polls: requests that are answered when something changes, or after a while. */
export class Changes {
  readonly #clock: Clock;
  readonly #max: number;
  readonly #maxPerAccount: number;
  readonly #wakers = new Map<string, Set<() => void>>();
  readonly #perAccount = new Map<string, number>();
  readonly #closing = new AbortController();
  readonly #stopListening: () => void;
  #waiting = 0;

  constructor(database: Database, clock: Clock, max: number, maxPerAccount: number) {
    this.#clock = clock;
    this.#max = max;
    this.#maxPerAccount = maxPerAccount;
    this.#stopListening = database.onTold((topic) => {
      for (const wake of this.#wakers.get(topic) ?? []) wake();
    });
  }

  /** How many wait. */
  get waiting(): number {
    return this.#waiting;
  }

  /**
   * The value when it is news, or as it is when the time is over, the one who asks is gone or the server closes.
   *
   * @throws {@link Refusal} 429 `too_many_waits` if too many wait already
   */
  async news<T>(wait: Wait<T>): Promise<T> {
    const value = await wait.read();
    if (wait.timeoutMs <= 0 || wait.isNews(value) || wait.signal.aborted || this.#closing.signal.aborted) return value;
    const release = this.#enter(wait.account);
    try {
      return await this.#untilNews(wait, value);
    } finally {
      release();
    }
  }

  /** Ends all waits: each is answered with what holds now. */
  close(): void {
    this.#stopListening();
    this.#closing.abort();
  }

  async #untilNews<T>(wait: Wait<T>, first: T): Promise<T> {
    const end = AbortSignal.any([wait.signal, this.#closing.signal]);
    const deadline = this.#clock.now() + wait.timeoutMs;
    let value = first;
    while (!wait.isNews(value) && !end.aborted && this.#clock.now() < deadline) {
      const bell = this.#bell(wait.topic, Math.min(LOOK_AGAIN_MS, deadline - this.#clock.now()), end);
      try {
        // Read once more behind the bell: what has changed before it was hung up did not ring.
        value = await wait.read();
        if (wait.isNews(value)) break;
        await bell.rung;
        value = await wait.read();
      } finally {
        bell.take();
      }
    }
    return value;
  }

  /** Rings once: when the topic is told, when the time is over, at the end, or when it is taken down. */
  #bell(topic: string, timeoutMs: number, end: AbortSignal): { readonly rung: Promise<void>; take(): void } {
    let take: () => void = () => undefined;
    const rung = new Promise<void>((resolve) => {
      const wakers = this.#wakers.get(topic) ?? new Set();
      this.#wakers.set(topic, wakers);
      take = (): void => {
        cancel();
        end.removeEventListener('abort', take);
        wakers.delete(take);
        if (wakers.size === 0 && this.#wakers.get(topic) === wakers) this.#wakers.delete(topic);
        resolve();
      };
      const cancel = this.#clock.schedule(timeoutMs, take);
      wakers.add(take);
      end.addEventListener('abort', take, { once: true });
      if (end.aborted) take();
    });
    return { rung, take };
  }

  #enter(account: string): () => void {
    const own = this.#perAccount.get(account) ?? 0;
    if (this.#waiting >= this.#max || own >= this.#maxPerAccount) {
      throw new Refusal(429, 'too many requests wait for a change', 'too_many_waits', 1);
    }
    this.#waiting += 1;
    this.#perAccount.set(account, own + 1);
    return () => {
      this.#waiting -= 1;
      const left = (this.#perAccount.get(account) ?? 1) - 1;
      if (left === 0) this.#perAccount.delete(account);
      else this.#perAccount.set(account, left);
    };
  }
}
