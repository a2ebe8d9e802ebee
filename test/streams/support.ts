import { config, Observable, type Subscriber } from 'rxjs';
import { TestScheduler } from 'rxjs/testing';
import { expect } from 'vitest';
import type { Clock } from '../../src/base/clock.ts';

/** A scheduler for marble tests. */
export function createMarbles(): TestScheduler {
  return new TestScheduler((actual, expected) => {
    expect(actual).toEqual(expected);
  });
}

/** The virtual time of a marble test as a clock. */
export function clockOf(scheduler: TestScheduler): Clock {
  return {
    now: () => scheduler.now(),
    schedule(delayMs, task) {
      const action = scheduler.schedule(task, delayMs);
      return () => action.unsubscribe();
    },
  };
}

/** A clock that stands still until it is told to advance. */
export class ManualClock implements Clock {
  #nowMs = 0;
  readonly #tasks = new Set<{ readonly atMs: number; readonly run: () => void }>();

  get pending(): number {
    return this.#tasks.size;
  }

  now(): number {
    return this.#nowMs;
  }

  schedule(delayMs: number, task: () => void): () => void {
    const entry = { atMs: this.#nowMs + delayMs, run: task };
    this.#tasks.add(entry);
    return () => void this.#tasks.delete(entry);
  }

  advance(ms: number): void {
    const untilMs = this.#nowMs + ms;
    for (;;) {
      const due = [...this.#tasks].filter(({ atMs }) => atMs <= untilMs).sort((a, b) => a.atMs - b.atMs)[0];
      if (due === undefined) break;
      this.#tasks.delete(due);
      this.#nowMs = due.atMs;
      due.run();
    }
    this.#nowMs = untilMs;
  }
}

/** A hot source that counts its subscriptions, so that a leak shows. */
export class CountedSource<T> {
  readonly #subscribers = new Set<Subscriber<T>>();
  /** How often it was subscribed to in all. */
  subscriptions = 0;

  readonly values$: Observable<T> = new Observable<T>((subscriber) => {
    this.subscriptions += 1;
    this.#subscribers.add(subscriber);
    return () => this.#subscribers.delete(subscriber);
  });

  get active(): number {
    return this.#subscribers.size;
  }

  next(...values: T[]): void {
    for (const value of values) for (const subscriber of [...this.#subscribers]) subscriber.next(value);
  }

  error(error: unknown): void {
    for (const subscriber of [...this.#subscribers]) subscriber.error(error);
  }

  complete(): void {
    for (const subscriber of [...this.#subscribers]) subscriber.complete();
  }
}

/** The next error that RxJS reports to the host while `act` runs or after it. */
export async function hostErrorOf(act: () => void): Promise<unknown> {
  const before = config.onUnhandledError;
  try {
    return await new Promise((resolve) => {
      config.onUnhandledError = resolve;
      act();
    });
  } finally {
    config.onUnhandledError = before;
  }
}
