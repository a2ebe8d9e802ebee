import type { Clock } from '../../src/base/clock.ts';

/** A clock that stands still until it is told to go on. */
export class ManualClock implements Clock {
  #now = 1_000_000;
  readonly #tasks = new Set<{ readonly atMs: number; readonly task: () => void }>();

  now(): number {
    return this.#now;
  }

  schedule(delayMs: number, task: () => void): () => void {
    const entry = { atMs: this.#now + delayMs, task };
    this.#tasks.add(entry);
    return () => void this.#tasks.delete(entry);
  }

  /** Tasks that wait for their time. */
  get waiting(): number {
    return this.#tasks.size;
  }

  /** Lets time pass, and runs what has become due. */
  advance(byMs: number): void {
    this.#now += byMs;
    for (const entry of [...this.#tasks].sort((a, b) => a.atMs - b.atMs)) {
      if (entry.atMs > this.#now || !this.#tasks.delete(entry)) continue;
      entry.task();
    }
  }
}
