import { filter, map, type Observable, take } from 'rxjs';
import type { AnyRef } from './actor-ref.ts';
import type { Exit, Lifecycle } from './lifecycle.ts';

/**
 * How an actor ends. Cold; emits once, when it has ended or at once if it had before, and completes.
 *
 * @example
 * watch(workerRef).subscribe((exit) => console.log(`worker is gone: ${exit.kind}`));
 */
export function watch(ref: AnyRef): Observable<Exit> {
  return ref.lifecycle$.pipe(
    filter((state): state is Extract<Lifecycle, { kind: 'stopped' }> => state.kind === 'stopped'),
    map(({ exit }) => exit),
    take(1),
  );
}
