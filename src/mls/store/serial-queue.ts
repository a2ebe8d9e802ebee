/**
 * Runs tasks one after the other, in the order of the calls. A task that fails does not hold up the next.
 *
 * It has no capacity of its own: every task has a caller that waits for it.
 */
export class SerialQueue {
  #tail: Promise<void> = Promise.resolve();

  /** Runs `task` after all that came before; settles as it does. */
  run<T>(task: () => Promise<T>): Promise<T> {
    const result = this.#tail.then(task);
    // The caller gets the outcome from `result`; the tail only tells that it is over.
    this.#tail = result.then(
      () => undefined,
      () => undefined,
    );
    return result;
  }

  /** Resolves, never rejects, when all tasks that were given so far are over. */
  idle(): Promise<void> {
    return this.#tail;
  }
}
