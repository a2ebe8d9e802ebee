import { EMPTY, filter, from, type Observable, type ObservableInput } from 'rxjs';

/** What a function returns that returns nothing. */
export type Nothing = ReturnType<() => void>;

/** @internal What a function of the user gives, as a stream. Nothing, and a promise of nothing, is work without output. */
export function resultStream<R>(result: ObservableInput<R> | PromiseLike<Nothing> | undefined): Observable<R> {
  if (result === undefined) return EMPTY;
  const output$ = from(result as ObservableInput<R>);
  return isPromise(result) ? output$.pipe(filter((value) => value !== undefined)) : output$;
}

function isPromise(value: object): value is PromiseLike<unknown> {
  return typeof (value as { readonly then?: unknown }).then === 'function';
}
