import { Observable, type Subscriber, type TeardownLogic } from 'rxjs';

/**
 * A current value that can be watched.
 *
 * Subscribing emits the latest value at once, then each change. After the end it still emits the last value, then
 * completes. Operators turn it into a plain observable; `deriveState` keeps `value`.
 */
export interface StateObservable<T> extends Observable<T> {
  /** The latest value. Never behind what subscribers have seen. */
  readonly value: T;
}

/** When a new value counts as a change: if this is false for the value before and the value now. */
export type IsEqual<T> = (before: T, now: T) => boolean;

/** @internal A state observable from its two halves. */
export function createStateObservable<T>(
  subscribe: (subscriber: Subscriber<T>) => TeardownLogic,
  read: () => T,
): StateObservable<T> {
  return Object.defineProperty(new Observable<T>(subscribe), 'value', { get: read }) as StateObservable<T>;
}
