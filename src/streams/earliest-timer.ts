import type { Clock } from '../base/clock.ts';

/** A timer that many ask for: it fires once, at the earliest of the moments that were asked for since it last did. */
export class EarliestTimer {
  readonly #clock: Clock;
  readonly #fire: () => void;
  #cancel: () => void = () => undefined;
  #atMs = Infinity;

  constructor(clock: Clock, fire: () => void) {
    this.#clock = clock;
    this.#fire = fire;
  }

  /** Fires in so many milliseconds, unless it does so earlier anyway. */
  fireIn(delayMs: number): void {
    const atMs = this.#clock.now() + Math.max(0, delayMs);
    if (atMs >= this.#atMs) return;
    this.#cancel();
    this.#atMs = atMs;
    this.#cancel = this.#clock.schedule(Math.max(0, delayMs), () => {
      this.#atMs = Infinity;
      this.#fire();
    });
  }

  /** Does not fire any more. */
  stop(): void {
    this.#cancel();
    this.#atMs = -Infinity;
  }
}
