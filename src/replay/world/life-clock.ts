import type { Clock } from '../../base/clock.ts';

/** The clock of one life of an agent: when that ends, nothing that it had scheduled happens any more. */
export class LifeClock implements Clock {
  readonly #clock: Clock;
  readonly #skewMs: () => number;
  readonly #scheduled = new Set<() => void>();
  #isOver = false;

  /** @param skewMs by how much it is ahead of everybody else's now; timers know nothing of that */
  constructor(clock: Clock, skewMs: () => number) {
    this.#clock = clock;
    this.#skewMs = skewMs;
  }

  now(): number {
    return this.#clock.now() + this.#skewMs();
  }

  schedule(delayMs: number, task: () => void): () => void {
    if (this.#isOver) return () => undefined;
    const cancel = this.#clock.schedule(delayMs, () => {
      this.#scheduled.delete(forget);
      task();
    });
    const forget = (): void => {
      this.#scheduled.delete(forget);
      cancel();
    };
    this.#scheduled.add(forget);
    return forget;
  }

  end(): void {
    this.#isOver = true;
    for (const cancel of [...this.#scheduled]) cancel();
  }
}
