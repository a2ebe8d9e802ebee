import { defer, type MonoTypeOperatorFunction, Observable, retry, tap } from 'rxjs';
import type { Clock } from '../base/clock.ts';
import type { Random } from '../base/random.ts';
import { Backoff, type BackoffOptions } from './backoff.ts';
import { timerOn } from './timer-on.ts';

/** Options of {@link retryWithBackoff}. */
export interface RetryOptions extends BackoffOptions {
  readonly clock: Clock;
  readonly random: Pick<Random, 'fraction'>;
  /** Whether another try may help. An error for which this is false passes on at once. Default: always. */
  readonly isRetryable?: (error: unknown) => boolean;
  /** Called before each wait, for a status or a log. */
  readonly onRetry?: (retry: RetryNotice) => void;
}

/** A try that failed and the wait that follows. */
export interface RetryNotice {
  readonly error: unknown;
  /** 1 for the first retry since the start or since the last quiet time. */
  readonly attempt: number;
  readonly delayMs: number;
}

/**
 * Subscribes again after an error, for ever, with the delays of a {@link Backoff} of its own for each subscriber. The
 * first value of a try counts as its success, so the delays start again once values have come without an error for
 * `resetAfterMs`. Completion passes on; unsubscribing cancels the wait.
 *
 * @example
 * let tries = 0;
 * const flaky$ = defer(() => (++tries < 3 ? throwError(() => new Error('not yet')) : of('here')));
 * const ports = { clock: systemClock, random: systemRandom };
 * assert.equal(await firstValueFrom(flaky$.pipe(retryWithBackoff({ ...ports, minMs: 1, maxMs: 5 }))), 'here');
 */
export function retryWithBackoff<T>(options: RetryOptions): MonoTypeOperatorFunction<T> {
  const { clock, isRetryable = () => true, onRetry } = options;
  // Once here too: a bad option is misuse and shows at the call, not at the first subscription.
  new Backoff(options, options);
  return (source) =>
    defer(() => {
      const backoff = new Backoff(options, options);
      return source.pipe(
        tap({ next: () => backoff.succeeded() }),
        retry({
          delay: (error: unknown) => {
            if (!isRetryable(error)) return new Observable<never>((subscriber) => subscriber.error(error));
            const delayMs = backoff.nextDelayMs();
            onRetry?.({ error, attempt: backoff.attempt, delayMs });
            return timerOn(clock, delayMs);
          },
        }),
      );
    });
}
