import { Observable } from 'rxjs';
import { onAbort } from './on-abort.ts';

/**
 * Emits once when `signal` is aborted, at once if it already is, and completes. Cold; never errors.
 *
 * @example
 * const stop = new AbortController();
 * const ticks = interval(1000).pipe(takeUntil(fromSignal(stop.signal))).subscribe();
 * stop.abort();
 * assert.equal(ticks.closed, true);
 */
export function fromSignal(signal: AbortSignal): Observable<void> {
  return new Observable((subscriber) =>
    onAbort(signal, () => {
      subscriber.next();
      subscriber.complete();
    }),
  );
}
