import { type MonoTypeOperatorFunction, takeUntil } from 'rxjs';
import { fromSignal } from './from-signal.ts';
import { reportToHost } from './report-to-host.ts';

/** Undoes something when its scope ends. */
export type Teardown = (() => void) | (() => PromiseLike<void>);

/**
 * A lifetime to which subscriptions and resources are bound, and whose end can be awaited.
 *
 * @example
 * const scope = new Scope();
 * interval(1000)
 *   .pipe(scope.bind())
 *   .subscribe({ complete: () => console.log('no more ticks') });
 * scope.onEnd(() => console.log('closed'));
 * await scope.end();
 * //=> no more ticks
 * //=> closed
 */
export class Scope implements AsyncDisposable {
  readonly #controller = new AbortController();
  readonly #teardowns = new Set<{ readonly run: Teardown }>();
  #end: Promise<void> | undefined;
  #isOver = false;

  /** Aborted as the first step of the end. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /**
   * Calls `teardown` once when the scope ends; the returned function takes it back. Once the scope is over it is called
   * at once, and an error of it is reported to the host. One that is added by a teardown runs after those before it.
   */
  onEnd(teardown: Teardown): () => void {
    if (this.#isOver) {
      attempt(teardown).catch(reportToHost);
      return () => undefined;
    }
    const entry = { run: teardown };
    this.#teardowns.add(entry);
    return () => void this.#teardowns.delete(entry);
  }

  /** An operator that completes a stream when the scope ends. Place it last in the pipe. */
  bind<T>(): MonoTypeOperatorFunction<T> {
    return takeUntil(fromSignal(this.signal));
  }

  /**
   * Aborts {@link Scope.signal}, then runs the teardowns, the latest first, each after the one before has settled.
   * Idempotent: every call returns the same promise. A teardown must not wait for it.
   *
   * @throws AggregateError with the errors of all teardowns that failed; the others ran nevertheless.
   */
  end(): Promise<void> {
    if (this.#end === undefined) {
      // Set before anything runs: a listener of the signal may call `end` again.
      let settle: (end: Promise<void>) => void = () => undefined;
      this.#end = new Promise((resolve) => {
        settle = resolve;
      });
      settle(this.#runTeardowns());
    }
    return this.#end;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.end();
  }

  async #runTeardowns(): Promise<void> {
    this.#controller.abort();
    const errors: unknown[] = [];
    while (this.#teardowns.size > 0) {
      for (const entry of [...this.#teardowns].reverse()) {
        // False for one that a teardown before it took back.
        if (!this.#teardowns.delete(entry)) continue;
        try {
          await attempt(entry.run);
        } catch (error) {
          errors.push(error);
        }
      }
    }
    this.#isOver = true;
    if (errors.length > 0) throw new AggregateError(errors, `${errors.length} teardown(s) of a scope failed`);
  }
}

async function attempt(teardown: Teardown): Promise<void> {
  await teardown();
}
