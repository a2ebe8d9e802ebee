import type { Clock } from '../../base/clock.ts';

interface Task {
  readonly atMs: number;
  /** Tells apart tasks of one moment: first scheduled, first run. */
  readonly number: number;
  readonly run: () => void;
}

/** Where virtual time begins: 2026-01-01, so that what is stamped looks like a date. */
const START_MS = Date.UTC(2026, 0, 1);

/**
 * A clock that moves only when it is told to, from task to task: a day passes as fast as what happens in it can be computed.
 * Tasks of one moment run in the order in which they were scheduled.
 *
 * @example
 * const clock = new VirtualClock();
 * let rang = false;
 * clock.schedule(1_000, () => (rang = true));
 * clock.runNext();
 * assert.equal(rang, true);
 * assert.equal(clock.elapsedMs, 1_000);
 */
export class VirtualClock implements Clock {
  readonly #startMs: number;
  #nowMs: number;
  #lastNumber = 0;
  /** By time, then by number; the next one last. */
  readonly #tasks: Task[] = [];

  /** @param startMs Unix milliseconds that it begins at. Default: 2026-01-01. */
  constructor(startMs: number = START_MS) {
    this.#startMs = startMs;
    this.#nowMs = startMs;
  }

  now(): number {
    return this.#nowMs;
  }

  /** Milliseconds since the clock was made. */
  get elapsedMs(): number {
    return this.#nowMs - this.#startMs;
  }

  /** When the next task is due, in milliseconds since the clock was made; `undefined` if there is none. */
  get nextMs(): number | undefined {
    const next = this.#tasks.at(-1);
    return next && next.atMs - this.#startMs;
  }

  schedule(delayMs: number, run: () => void): () => void {
    this.#lastNumber += 1;
    const task = { atMs: this.#nowMs + Math.max(0, delayMs), number: this.#lastNumber, run };
    this.#tasks.splice(this.#place(task), 0, task);
    return () => {
      const index = this.#tasks.indexOf(task);
      if (index !== -1) this.#tasks.splice(index, 1);
    };
  }

  /** Moves to the next task and runs it. Returns false if there is none. */
  runNext(): boolean {
    const task = this.#tasks.pop();
    if (task === undefined) return false;
    this.#nowMs = task.atMs;
    task.run();
    return true;
  }

  /** Moves on to a time that no task is due before. Goes nowhere if it is past already. */
  skipTo(elapsedMs: number): void {
    this.#nowMs = Math.max(this.#nowMs, Math.min(this.#startMs + elapsedMs, this.#tasks.at(-1)?.atMs ?? Infinity));
  }

  /** Index at which a task belongs: behind all that come later. */
  #place(task: Task): number {
    let low = 0;
    let high = this.#tasks.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (isLater(this.#tasks[middle], task)) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

function isLater(other: Task | undefined, task: Task): boolean {
  if (other === undefined) return false;
  return other.atMs === task.atMs ? other.number > task.number : other.atMs > task.atMs;
}
