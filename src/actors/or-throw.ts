import { concat, EMPTY, type MonoTypeOperatorFunction, mergeMap, type Observable, throwError } from 'rxjs';
import type { AnyRef } from './actor-ref.ts';
import { toError } from './error-text.ts';
import { watch } from './watch.ts';

/**
 * An operator that turns the abnormal end of an actor into an error of a stream that completes with the actor: for those
 * who would rather have `catchError` than look at `lifecycle$`.
 *
 * @example
 * workerRef.out$.pipe(orThrow(workerRef)).subscribe({ error: (error) => console.error('the worker gave up', error) });
 */
export function orThrow<T>(ref: AnyRef): MonoTypeOperatorFunction<T> {
  return (source: Observable<T>) =>
    concat(
      source,
      watch(ref).pipe(
        mergeMap((exit) =>
          exit.kind === 'crashed' || exit.kind === 'restartLimit' ? throwError(() => toError(exit.error)) : EMPTY,
        ),
      ),
    );
}
