import type { Clock } from '../../../src/base/clock.ts';

/** A clock that stands still until it is told to go on, and whose wall time can jump while timers go on as if nothing were. */
export class TestClock implements Clock {
  #wallMs = Date.UTC(2026, 4, 10, 12);
  #elapsedMs = 0;
  readonly #tasks = new Set<{ readonly atMs: number; readonly task: () => void }>();

  now(): number {
    return this.#wallMs;
  }

  schedule(delayMs: number, task: () => void): () => void {
    const entry = { atMs: this.#elapsedMs + delayMs, task };
    this.#tasks.add(entry);
    return () => void this.#tasks.delete(entry);
  }

  /** Lets time pass, and runs what becomes due in its order, each task at its own time. */
  advance(byMs: number): void {
    const endMs = this.#elapsedMs + byMs;
    for (;;) {
      const [next] = [...this.#tasks].filter(({ atMs }) => atMs <= endMs).sort((a, b) => a.atMs - b.atMs);
      if (next === undefined) break;
      this.#pass(next.atMs - this.#elapsedMs);
      this.#tasks.delete(next);
      next.task();
    }
    this.#pass(endMs - this.#elapsedMs);
  }

  /** Puts the wall clock forward or back. */
  jump(byMs: number): void {
    this.#wallMs += byMs;
  }

  #pass(ms: number): void {
    this.#wallMs += ms;
    this.#elapsedMs += ms;
  }
}
