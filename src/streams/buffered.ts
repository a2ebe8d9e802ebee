import { type MonoTypeOperatorFunction, Observable, Subject, takeUntil } from 'rxjs';
import { type BufferPolicy, PolicyBuffer } from './buffer-policy.ts';
import { VALUES_PER_TURN } from './turn.ts';

/**
 * Delivers to the subscriber in turns of the event loop of its own, at most 32 values each, so that neither a burst nor
 * a heavy handler holds up the source's other subscribers. What waits meanwhile is bounded by `policy`.
 *
 * Cold: each subscriber has its own buffer. Completion and errors come after the values that wait.
 *
 * @throws RuntimeError `invalid_argument` for a policy that is none.
 *
 * @example
 * const latest$ = from([1, 2, 3]).pipe(buffered({ latest: true }));
 * assert.equal(await firstValueFrom(latest$), 3);
 */
export function buffered<T>(policy: BufferPolicy<T>): MonoTypeOperatorFunction<T> {
  // Once here too: a bad policy is misuse and shows at the call, not at the first subscription.
  new PolicyBuffer(policy);
  return (source) =>
    new Observable((subscriber) => {
      const buffer = new PolicyBuffer(policy);
      let finish: (() => void) | undefined;
      let turn: NodeJS.Immediate | undefined;

      const deliver = (): void => {
        turn = undefined;
        for (let room = VALUES_PER_TURN; room > 0 && buffer.length > 0; room -= 1) {
          subscriber.next(buffer.shift());
        }
        if (subscriber.closed) return;
        if (buffer.length > 0) wake();
        else finish?.();
      };
      const wake = (): void => {
        turn ??= setImmediate(deliver);
      };
      const end = (how: () => void): void => {
        if (finish !== undefined) return;
        finish = how;
        wake();
      };

      // A subject, because a source may emit without end from inside `subscribe`, when there is no subscription to end yet.
      const stop$ = new Subject<void>();
      subscriber.add(() => {
        stop$.next();
        clearImmediate(turn);
        buffer.clear();
      });
      source.pipe(takeUntil(stop$)).subscribe({
        next: (value) => {
          const overflow = buffer.push(value);
          if (overflow === undefined) {
            wake();
            return;
          }
          end(() => subscriber.error(overflow));
          stop$.next();
        },
        error: (error: unknown) => end(() => subscriber.error(error)),
        complete: () => end(() => subscriber.complete()),
      });
    });
}
