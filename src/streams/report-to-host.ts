import { Observable } from 'rxjs';

/**
 * Hands an error that nobody can catch to the host, the way RxJS reports the errors of subscribers: in a task of its
 * own, to `config.onUnhandledError` if that is set, else as an uncaught exception.
 */
export function reportToHost(error: unknown): void {
  // An error without a handler is what RxJS reports; its own function for that is not exported.
  new Observable((subscriber) => subscriber.error(error)).subscribe();
}
