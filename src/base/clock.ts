/** Time as a port: everything that waits or stamps asks a clock, so that tests can own time. */
export interface Clock {
  /** Milliseconds since the Unix epoch. */
  now(): number;
  /** Calls `task` once after `delayMs`; the returned function cancels it. */
  schedule(delayMs: number, task: () => void): () => void;
}

/** Chores that are as far away are done if the process is still there; it does not stay for them. */
const CHORE_DELAY_MS = 60 * 60 * 1000;

/** The machine's clock. Tasks keep the process alive, but for those that are more than an hour away. */
export const systemClock: Clock = {
  now: () => Date.now(),
  schedule(delayMs, task) {
    const timer = setTimeout(task, delayMs);
    if (delayMs > CHORE_DELAY_MS) timer.unref();
    return () => clearTimeout(timer);
  },
};

/** Waits for `delayMs`. Resolves with true after it, and with false as soon as the signal is aborted. */
export function sleepUnlessAborted(clock: Clock, delayMs: number, signal: AbortSignal): Promise<boolean> {
  return new Promise((resolve) => {
    if (signal.aborted) {
      resolve(false);
      return;
    }
    const abort = (): void => {
      cancel();
      resolve(false);
    };
    const cancel = clock.schedule(delayMs, () => {
      signal.removeEventListener('abort', abort);
      resolve(true);
    });
    signal.addEventListener('abort', abort, { once: true });
  });
}
