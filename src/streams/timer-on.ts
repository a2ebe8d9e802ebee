import { Observable } from 'rxjs';
import type { Clock } from '../base/clock.ts';

/** Emits once after `delayMs` milliseconds by `clock`, then completes. Cold; unsubscribing cancels it; never errors. */
export function timerOn(clock: Clock, delayMs: number): Observable<void> {
  return new Observable((subscriber) =>
    clock.schedule(delayMs, () => {
      subscriber.next();
      subscriber.complete();
    }),
  );
}
