import { Observable } from 'rxjs';
import { onAbort } from './on-abort.ts';

/**
 * Emits once when `signal` is aborted, at once if it already is, and completes. Cold; never errors.
 *
 * @example
 * const stop = new AbortController();
 * const sub = interval(1000).pipe(takeUntil(fromSignal(stop.signal))).subscribe();
 * stop.abort();
 * assert.equal(sub.closed, true);
 */
export function fromSignal(signal: AbortSignal): Observable<void> {
  return new Observable((subscriber) =>
    onAbort(signal, () => {
      subscriber.next();
      subscriber.complete();
    }),
  );
}
