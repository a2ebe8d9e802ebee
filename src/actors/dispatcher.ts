import type { Clock } from '../base/clock.ts';

/** @internal Something with messages to handle. It must not throw. */
export interface Runnable {
  /** Handles at most `maxMessages`; returns how many it handled. */
  run(maxMessages: number): number;
  /** Whether there are more to handle now; asked after {@link Runnable.run}. */
  readonly hasWork: boolean;
}

/** Messages that one actor handles before the next one has its turn. */
const BATCH = 32;
/** Messages that are handled before timers and I/O have their turn. */
const MESSAGES_PER_TURN = 512;

/**
 * @internal Gives the actors of a system their turns, round robin, in one task of the event loop for many of them: a task
 * for each message would cost several times what a message costs.
 */
export class Dispatcher {
  #ready: Runnable[] = [];
  #next = 0;
  #isPlanned = false;
  #isInTurn = false;
  #stampMs: number | undefined;
  readonly #clock: Pick<Clock, 'now'>;

  constructor(clock: Pick<Clock, 'now'>) {
    this.#clock = clock;
  }

  /** The time to within one turn of the event loop: while there is work, the clock is read once a turn and not once a message. */
  get nowMs(): number {
    if (!this.#isPlanned && !this.#isInTurn) return this.#clock.now();
    return (this.#stampMs ??= this.#clock.now());
  }

  /** Gives `runnable` a turn. The caller knows whether it has asked for one already. */
  schedule(runnable: Runnable): void {
    this.#ready.push(runnable);
    this.#plan();
  }

  #plan(): void {
    if (this.#isPlanned) return;
    this.#isPlanned = true;
    setImmediate(() => {
      this.#isPlanned = false;
      this.#stampMs = undefined;
      this.#isInTurn = true;
      this.#turn();
      this.#isInTurn = false;
    });
  }

  #turn(): void {
    let left = MESSAGES_PER_TURN;
    while (left > 0 && this.#next < this.#ready.length) {
      const runnable = this.#ready[this.#next++] as Runnable;
      left -= 1 + runnable.run(BATCH);
      if (runnable.hasWork) this.#ready.push(runnable);
    }
    // Cut now and then: cutting at each turn would move the whole queue each time.
    if (this.#next === this.#ready.length) {
      this.#ready = [];
      this.#next = 0;
    } else if (this.#next >= 1024) {
      this.#ready = this.#ready.slice(this.#next);
      this.#next = 0;
    }
    if (this.#ready.length > 0) this.#plan();
  }
}
