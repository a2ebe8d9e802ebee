import { Fifo } from './fifo.ts';
import { reportToHost } from './report-to-host.ts';

/**
 * Runs tasks one after another on the caller's stack: what is handed in while a task runs waits for its end.
 *
 * The queue lives for one synchronous turn; it holds what that turn's tasks hand in. A task that throws is reported to
 * the host and does not keep the others from running.
 */
export class Trampoline {
  readonly #waiting = new Fifo<() => void>();
  #isRunning = false;

  /** Runs `task` now, or, from inside a task, after all that was handed in before. */
  run(task: () => void): void {
    if (this.#isRunning) this.#waiting.push(task);
    else this.runNow(task);
  }

  /** Runs `task` now in any case. Tasks that it hands in wait until it, and any task around it, has ended. */
  runNow(task: () => void): void {
    if (this.#isRunning) {
      attempt(task);
      return;
    }
    this.#isRunning = true;
    try {
      attempt(task);
      for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift()) attempt(next);
    } finally {
      this.#isRunning = false;
    }
  }
}

function attempt(task: () => void): void {
  try {
    task();
  } catch (error) {
    reportToHost(error);
  }
}
