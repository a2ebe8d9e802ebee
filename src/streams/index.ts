/**
 * RxJS with no domain in it: what the rest needs so that every stream has one order, every queue a bound and every
 * subscription an end.
 *
 * - What happens goes out through an `OrderedSubject`, what is goes out through a `StateSubject`; views of a state are
 *   made with `deriveState`. Owners keep the subject and hand out `asObservable()`.
 * - Lifetimes are a `Scope` or an `AbortSignal` (`fromSignal`, `onAbort`).
 * - A consumer that may be slower than its source chooses a `BufferPolicy`, for `buffered` or for `iterate`.
 * - What may fail for a while is tried again with a `Backoff`: `retryWithBackoff` for streams.
 */
export { abortable } from './abortable.ts';
export { Backoff, type BackoffOptions } from './backoff.ts';
export type { BufferPolicy, WaitPolicy } from './buffer-policy.ts';
export { buffered } from './buffered.ts';
export { schedulerOf } from './clock-scheduler.ts';
export { deriveState } from './derive-state.ts';
export { EarliestTimer } from './earliest-timer.ts';
export { Fifo } from './fifo.ts';
export { fromSignal } from './from-signal.ts';
export type { Holdable } from './holdable.ts';
export { iterate, type IterateOptions } from './iterate.ts';
export { onAbort } from './on-abort.ts';
export { OrderedSubject } from './ordered-subject.ts';
export { reportToHost } from './report-to-host.ts';
export { type RetryNotice, type RetryOptions, retryWithBackoff } from './retry-with-backoff.ts';
export { Scope } from './scope.ts';
export type { StateObservable } from './state-observable.ts';
export { StateSubject } from './state-subject.ts';
export { yieldTurn } from './turn.ts';
