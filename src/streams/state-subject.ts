import { filter, map, Subject } from 'rxjs';
import { createStateObservable, type IsEqual, type StateObservable } from './state-observable.ts';
import { Trampoline } from './trampoline.ts';

/** A value with its place in the sequence of changes. */
interface Change<T> {
  readonly version: number;
  readonly value: T;
}

/**
 * A current value that its owner changes and others watch through {@link StateSubject.asObservable}.
 *
 * {@link StateSubject.value} changes at once. All subscribers see the changes in one order, also when one of them makes
 * a change from inside its handler. Setting a value that equals the current one does nothing.
 *
 * @example
 * const members = new StateSubject(1);
 * const seen: number[] = [];
 * members.asObservable().subscribe((count) => seen.push(count));
 * members.update((count) => count + 1);
 * members.next(2);
 * members.complete();
 * assert.deepEqual(seen, [1, 2]);
 */
export class StateSubject<T> {
  readonly #changes = new Subject<Change<T>>();
  readonly #turns = new Trampoline();
  readonly #isEqual: IsEqual<T>;
  readonly #state$: StateObservable<T>;
  #value: T;
  #version = 0;
  #isEnded = false;

  /** @param isEqual Which values are no change; `Object.is` by default. */
  constructor(initial: T, isEqual: IsEqual<T> = Object.is) {
    this.#value = initial;
    this.#isEqual = isEqual;
    this.#state$ = createStateObservable<T>(
      (subscriber) => {
        // As a turn of its own: a change made by the handler of the replayed value comes after that value.
        this.#turns.runNow(() => {
          const joinedAt = this.#version;
          subscriber.next(this.#value);
          subscriber.add(
            this.#changes
              .pipe(
                // Changes that still wait for delivery are in the replayed value already.
                filter(({ version }) => version > joinedAt),
                map(({ value }) => value),
              )
              .subscribe(subscriber),
          );
        });
      },
      () => this.#value,
    );
  }

  /** Whether anyone is subscribed. */
  get observed(): boolean {
    return this.#changes.observed;
  }

  /** The latest value. */
  get value(): T {
    return this.#value;
  }

  /** Makes `value` the current one. Ignored if it equals the current one, and after {@link StateSubject.complete}. */
  next(value: T): void {
    if (this.#isEnded || this.#isEqual(this.#value, value)) return;
    this.#value = value;
    this.#version += 1;
    const change = { version: this.#version, value };
    this.#turns.run(() => this.#changes.next(change));
  }

  /** Replaces the current value by what `change` makes of it. */
  update(change: (current: T) => T): void {
    this.next(change(this.#value));
  }

  /** Keeps the value as the last one and completes all subscribers, now and later. Idempotent. */
  complete(): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    this.#turns.run(() => this.#changes.complete());
  }

  /** The state. Hot, replays the latest value also after the end; completes after {@link StateSubject.complete}; never errors. */
  asObservable(): StateObservable<T> {
    return this.#state$;
  }
}
