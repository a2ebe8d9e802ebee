import { isPromiseLike } from './payload-codec.ts';

/** What became of one piece of work. */
export type Outcome<T> =
  | { readonly kind: 'done'; readonly value: T }
  | { readonly kind: 'failed'; readonly error: unknown };

/** A piece of work that is not settled; `settle` is there once its outcome is. */
interface Place {
  settle: (() => void) | undefined;
}

/**
 * Work of which each piece may take its time, with results in the order of the calls. Pieces run side by side; one that
 * is done at once settles at once, unless an earlier one is still waited for.
 */
export class InOrder {
  readonly #capacity: number;
  readonly #places: Place[] = [];
  #isDraining = false;

  /** @param capacity pieces that may wait; see {@link InOrder.add} */
  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  /** Starts `work` and calls `settle` in turn, which must not throw then. False, with nothing started, if too many wait already. */
  add<T>(work: () => T | PromiseLike<T>, settle: (outcome: Outcome<T>) => void): boolean {
    if (this.#places.length >= this.#capacity) return false;
    const result = attempt(work);
    if (result.kind !== 'pending' && this.#places.length === 0) {
      settle(result);
      return true;
    }
    const place: Place = { settle: undefined };
    this.#places.push(place);
    if (result.kind !== 'pending') {
      place.settle = () => settle(result);
      return true;
    }
    const finish = (outcome: Outcome<T>): void => {
      place.settle = () => settle(outcome);
      this.#drain();
    };
    result.promise.then(
      (value) => finish({ kind: 'done', value }),
      (error: unknown) => finish({ kind: 'failed', error }),
    );
    return true;
  }

  /** Calls `settle` when all that was added before is settled. Never refused. */
  afterAll(settle: () => void): void {
    if (this.#places.length === 0) settle();
    else this.#places.push({ settle });
  }

  #drain(): void {
    if (this.#isDraining) return;
    this.#isDraining = true;
    for (let settle = this.#places[0]?.settle; settle !== undefined; settle = this.#places[0]?.settle) {
      // It keeps its place until it is settled: what it causes comes behind what waits.
      settle();
      this.#places.shift();
    }
    this.#isDraining = false;
  }
}

function attempt<T>(work: () => T | PromiseLike<T>): Outcome<T> | { kind: 'pending'; promise: PromiseLike<T> } {
  try {
    const result = work();
    return isPromiseLike(result) ? { kind: 'pending', promise: result } : { kind: 'done', value: result };
  } catch (error) {
    return { kind: 'failed', error };
  }
}
