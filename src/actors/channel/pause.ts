import type { Clock } from '../../base/clock.ts';

/** Longer waits are asked about again meanwhile; timers beyond 2^31 ms would fire at once. */
const MAX_MS = 60_000;

/** A time in which something is not to be done. Says when it is over. */
export class Pause {
  readonly #clock: Clock;
  readonly #onOver: () => void;
  #cancel: (() => void) | undefined;

  constructor(clock: Clock, onOver: () => void) {
    this.#clock = clock;
    this.#onOver = onOver;
  }

  get isOn(): boolean {
    return this.#cancel !== undefined;
  }

  /** Starts it, or starts it anew: the latest word counts. A minute at the most. */
  start(ms: number): void {
    this.#cancel?.();
    this.#cancel = this.#clock.schedule(Math.min(ms, MAX_MS), () => {
      this.#cancel = undefined;
      this.#onOver();
    });
  }

  /** Ends it without a word. */
  end(): void {
    this.#cancel?.();
    this.#cancel = undefined;
  }
}
