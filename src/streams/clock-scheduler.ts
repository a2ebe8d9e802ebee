import { type SchedulerAction, type SchedulerLike, Subscription } from 'rxjs';
import type { Clock } from '../base/clock.ts';

type Work<T> = (this: SchedulerAction<T>, state?: T) => void;

/**
 * The clock as a scheduler of RxJS: `debounceTime(100, schedulerOf(clock))` waits on it. What is due at one moment is done in the
 * order in which it was scheduled.
 */
export function schedulerOf(clock: Clock): SchedulerLike {
  return {
    now: () => clock.now(),
    schedule: <T>(work: Work<T>, delayMs = 0, state?: T): Subscription =>
      new ClockAction(clock, work).schedule(state, delayMs),
  };
}

/** Some work, and when it is to be done next. */
class ClockAction<T> extends Subscription implements SchedulerAction<T> {
  readonly #clock: Clock;
  readonly #work: Work<T>;
  #cancel: (() => void) | undefined;

  constructor(clock: Clock, work: Work<T>) {
    super(() => this.#cancel?.());
    this.#clock = clock;
    this.#work = work;
  }

  schedule(state?: T, delayMs = 0): Subscription {
    if (this.closed) return this;
    this.#cancel?.();
    this.#cancel = this.#clock.schedule(delayMs, () => {
      this.#cancel = undefined;
      this.#do(state);
    });
    return this;
  }

  /** Work that has failed is not done again. */
  #do(state?: T): void {
    try {
      this.#work.call(this, state);
    } catch (error) {
      this.unsubscribe();
      throw error;
    }
  }
}
