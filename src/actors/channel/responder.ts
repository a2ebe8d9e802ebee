import type { ObservableInput } from 'rxjs';
import { checkInteger } from '../../base/check.ts';
import type { Arrival } from './exchange-event.ts';

/** A request as its handler gets it. */
export interface IncomingRequest extends Arrival {
  /**
   * 32 hexadecimal characters. Who asks again after a timeout, by subscribing once more, asks under the same id: a
   * handler that must not do its work twice keeps the ids of what it has done.
   */
  readonly id: string;
  /** 1 for the first try. */
  readonly attempt: number;
  readonly payload: Uint8Array;
  /** When nobody waits any more, in Unix milliseconds by the clock of who asks. */
  readonly deadlineMs: number;
}

/**
 * Answers a request with any number of replies. Its work is cancelled when nobody waits any more: what it returned is
 * unsubscribed from, and the signal is aborted.
 *
 * What it throws reaches who asks, as text of at most 1,024 characters.
 */
export type RequestHandler = (request: IncomingRequest, signal: AbortSignal) => ObservableInput<Uint8Array>;

/** Options of {@link Channel.respond}. */
export interface RespondOptions {
  /** Requests that are worked on at once: at least 1. Default 16. */
  readonly concurrency?: number;
  /** Requests that wait for their turn; those beyond are answered with a failure. At least 0. Default 1,024. */
  readonly maxWaiting?: number;
}

/** Options that are checked. */
export type CheckedRespond = Required<RespondOptions>;

/** @throws {@link RuntimeError} `invalid_argument` */
export function checkRespondOptions({ concurrency = 16, maxWaiting = 1024 }: RespondOptions): CheckedRespond {
  return {
    concurrency: checkInteger('concurrency', concurrency, 1),
    maxWaiting: checkInteger('maxWaiting', maxWaiting, 0),
  };
}
