import { onAbort } from './on-abort.ts';

/**
 * What becomes of `task`, unless `signal` is aborted first: then it rejects with the signal's reason, and what the task
 * makes of itself is nobody's business any more.
 */
export function abortable<T>(task: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return task;
  return new Promise((resolve, reject) => {
    const takeBack = onAbort(signal, () => reject(signal.reason as Error));
    void task.then(resolve, reject).finally(takeBack);
  });
}
