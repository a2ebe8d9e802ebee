import type { Clock } from '../../base/clock.ts';

/** The clock of one life of an agent: when that ends, nothing that it had scheduled happens any more. */
export class LifeClock implements Clock {
  readonly #clock: Clock;
  readonly #skewMs: () => number;
  readonly #readMs: number;
  #passedMs = 0;
  readonly #scheduled = new Set<() => void>();
  #isOver = false;

  /**
   * @param skewMs by how much it is ahead of everybody else's now; timers know nothing of that
   * @param readMs what passes between two reads, as on a real clock
   */
  constructor(clock: Clock, skewMs: () => number, readMs: number) {
    this.#clock = clock;
    this.#skewMs = skewMs;
    this.#readMs = readMs;
  }

  now(): number {
    this.#passedMs += this.#readMs;
    return this.#clock.now() + this.#skewMs() + this.#passedMs;
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
