import { distinctUntilChanged, map } from 'rxjs';
import { createStateObservable, type IsEqual, type StateObservable } from './state-observable.ts';

/**
 * A view of a state: `project` of its value, emitted when that changes.
 *
 * As hot, replaying and lasting as `source$`. Its `value` is computed from the source's value at the moment it is read,
 * so that two views of one state never disagree. `project` must be pure and must not throw. While the source's value
 * stays the same, or `isEqual` calls the results equal, the result stays the same object.
 *
 * @param isEqual Which results are no change; `Object.is` by default.
 *
 * @example
 * const state = new StateSubject({ epoch: 1, members: ['alice'] });
 * const members$ = deriveState(state.asObservable(), ({ members }) => members);
 * state.next({ epoch: 2, members: ['alice', 'bob'] });
 * assert.deepEqual(members$.value, ['alice', 'bob']);
 */
export function deriveState<T, R>(
  source$: StateObservable<T>,
  project: (value: T) => R,
  isEqual: IsEqual<R> = Object.is,
): StateObservable<R> {
  let latest: { readonly input: T; readonly output: R } | undefined;
  const derive = (input: T): R => {
    if (latest !== undefined && Object.is(latest.input, input)) return latest.output;
    const fresh = project(input);
    const output = latest !== undefined && isEqual(latest.output, fresh) ? latest.output : fresh;
    latest = { input, output };
    return output;
  };
  return createStateObservable<R>(
    (subscriber) => source$.pipe(map(derive), distinctUntilChanged(isEqual)).subscribe(subscriber),
    () => derive(source$.value),
  );
}
