import { checkBytes, checkInteger } from '../../base/check.ts';
import { RuntimeError } from '../../base/errors.ts';
import type { Arrival } from './exchange-event.ts';

/** Options of {@link Channel.request}. */
export interface RequestOptions {
  /** How long to wait for all that is expected, in milliseconds: 1 to 2,147,483,647. */
  readonly timeoutMs: number;
  /**
   * When it is enough: after so many replies, from whomever; or `'all'`, when each member that was asked has said its last one.
   * Default 1.
   */
  readonly expect?: number | 'all';
  /** Identities of the members to ask, or of one. Default: all others. */
  readonly to?: Uint8Array | readonly Uint8Array[];
}

/** A reply to a request. */
export interface Reply extends Arrival {
  readonly payload: Uint8Array;
}

/** The longest delay that a timer of Node takes. */
export const MAX_TIMEOUT_MS: number = 2 ** 31 - 1;

/** Options that are checked. */
export interface CheckedRequest {
  readonly timeoutMs: number;
  /** How many replies are enough; `Infinity` where all is. */
  readonly enough: number;
  /** Empty: all others. */
  readonly to: readonly Uint8Array[];
}

/** @throws {@link RuntimeError} `invalid_argument` */
export function checkRequestOptions({ timeoutMs, expect = 1, to }: RequestOptions): CheckedRequest {
  checkInteger('timeoutMs', timeoutMs, 1, MAX_TIMEOUT_MS);
  const enough = expect === 'all' ? Infinity : checkInteger('expect', expect, 1);
  if (to === undefined) return { timeoutMs, enough, to: [] };
  const addressees = (to instanceof Uint8Array ? [to] : to).map((identity) => checkBytes('to', identity).slice());
  if (addressees.length > 0) return { timeoutMs, enough, to: addressees };
  throw new RuntimeError('invalid_argument', 'Expected `to` to name at least one member, got none.');
}
