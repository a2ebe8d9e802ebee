import { Observable } from 'rxjs';

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
  return new Observable((subscriber) => {
    const emit = (): void => {
      subscriber.next();
      subscriber.complete();
    };
    if (signal.aborted) {
      emit();
      return undefined;
    }
    signal.addEventListener('abort', emit, { once: true });
    return () => signal.removeEventListener('abort', emit);
  });
}
