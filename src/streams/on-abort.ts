import { reportToHost } from './report-to-host.ts';

/** Who waits for each signal. */
const waiting = new WeakMap<AbortSignal, { readonly callbacks: Set<() => void>; readonly listener: () => void }>();

/**
 * Calls `callback` once when `signal` is aborted, at once if it already is; the returned function takes it back.
 *
 * All callbacks of a signal share one listener, so that a signal which bounds thousands of waits neither draws Node's
 * warning of a leak nor searches a list of thousands for each.
 */
export function onAbort(signal: AbortSignal, callback: () => void): () => void {
  if (signal.aborted) {
    callback();
    return () => undefined;
  }
  // A function of its own for each call: the same callback may be given twice.
  const entry = (): void => callback();
  const { callbacks } = waiting.get(signal) ?? listenTo(signal);
  callbacks.add(entry);
  return () => {
    if (callbacks.delete(entry) && callbacks.size === 0) stopListeningTo(signal);
  };
}

function listenTo(signal: AbortSignal): { readonly callbacks: Set<() => void> } {
  const callbacks = new Set<() => void>();
  const listener = (): void => {
    waiting.delete(signal);
    for (const callback of callbacks) {
      try {
        callback();
      } catch (error) {
        reportToHost(error);
      }
    }
  };
  waiting.set(signal, { callbacks, listener });
  signal.addEventListener('abort', listener, { once: true });
  return { callbacks };
}

function stopListeningTo(signal: AbortSignal): void {
  const entry = waiting.get(signal);
  if (entry === undefined) return;
  waiting.delete(signal);
  signal.removeEventListener('abort', entry.listener);
}
