import type { FastifyRateLimitStore, FastifyRateLimitStoreCtor } from '@fastify/rate-limit';
import type { Clock } from '../../base/clock.ts';

/** Addresses that one limit remembers. Whoever has more than these is not to be stopped by counting addresses. */
const MAX_KEYS = 20_000;

interface Window {
  count: number;
  readonly endsAtMs: number;
}

type Callback = (error: Error | null, result?: { current: number; ttl: number }) => void;

/** Counts requests in fixed windows of time, by our clock and in bounded memory. */
class WindowStore implements FastifyRateLimitStore {
  readonly #clock: Clock;
  readonly #windows = new Map<string, Window>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  incr(key: string, callback: Callback, timeWindow: number): void {
    const window = this.#current(key) ?? this.#open(key, timeWindow);
    window.count += 1;
    this.#answer(window, callback);
  }

  /** The same without counting. */
  read(key: string, callback: Callback): void {
    this.#answer(this.#current(key) ?? { count: 0, endsAtMs: this.#clock.now() }, callback);
  }

  child(): FastifyRateLimitStore {
    return new WindowStore(this.#clock);
  }

  #answer({ count, endsAtMs }: Window, callback: Callback): void {
    callback(null, { current: count, ttl: Math.max(0, endsAtMs - this.#clock.now()) });
  }

  #current(key: string): Window | undefined {
    const window = this.#windows.get(key);
    return window !== undefined && window.endsAtMs > this.#clock.now() ? window : undefined;
  }

  #open(key: string, timeWindow: number): Window {
    const window = { count: 0, endsAtMs: this.#clock.now() + timeWindow };
    this.#windows.delete(key);
    this.#windows.set(key, window);
    if (this.#windows.size > MAX_KEYS) {
      for (const oldest of this.#windows.keys()) {
        this.#windows.delete(oldest);
        break;
      }
    }
    return window;
  }
}

/** The store as the rate-limit plugin wants it. */
export function windowStore(clock: Clock): FastifyRateLimitStoreCtor {
  return class extends WindowStore {
    constructor() {
      super(clock);
    }
  };
}
