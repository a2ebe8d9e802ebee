import { checkInteger } from '../../base/check.ts';
import { ChannelError } from '../../base/errors.ts';
import type { SendReceipt } from './channel-event.ts';
import { MAX_TIMEOUT_MS } from './request-options.ts';

/** Options of {@link Channel.send} for who wants to hear from the other members, too. */
export interface ConfirmedSendOptions {
  /**
   * What they are to confirm. `delivered`: their engines have the message durably. `handled`: the handlers of their consumers have
   * completed for it; a member that does not consume never confirms that.
   */
  readonly receipt: 'delivered' | 'handled';
  /** How long to wait for it, in milliseconds: 1 to 2,147,483,647. */
  readonly timeoutMs: number;
  /** How many confirmations are enough. Default: one of each member of the epoch in which it was sent. */
  readonly from?: number;
  /** Gives up waiting: the call rejects with its reason. A message that is in the mailbox by then is sent all the same. */
  readonly signal?: AbortSignal;
}

/** The relay has the message, and members have said what they were to say. */
export interface ConfirmedReceipt extends SendReceipt {
  readonly receipt: 'delivered' | 'handled';
  /** Identities of those who have confirmed, in the order of their confirmations. */
  readonly confirmedBy: readonly Uint8Array[];
  /** Identities of those who were removed from the group before they had; nobody waits for them. */
  readonly left: readonly Uint8Array[];
}

/**
 * Not all have confirmed a message in time. That does not take it back: it is with the relay, or on its way there. Code
 * `receipt_timeout`.
 */
export class ReceiptTimeoutError extends ChannelError {
  /** Where the relay has it. `undefined` if the relay had not answered yet. */
  readonly accepted: SendReceipt | undefined;
  /** Identities of those who have confirmed. */
  readonly confirmedBy: readonly Uint8Array[];
  /** Identities of those who have not. */
  readonly missing: readonly Uint8Array[];

  constructor(
    detail: string,
    accepted: SendReceipt | undefined,
    confirmedBy: readonly Uint8Array[],
    missing: readonly Uint8Array[],
  ) {
    super('receipt_timeout', detail);
    this.accepted = accepted;
    this.confirmedBy = confirmedBy;
    this.missing = missing;
  }
}

/** @throws {@link RuntimeError} `invalid_argument` */
export function checkConfirmedSend({ timeoutMs, from }: ConfirmedSendOptions): void {
  checkInteger('timeoutMs', timeoutMs, 1, MAX_TIMEOUT_MS);
  if (from !== undefined) checkInteger('from', from, 1);
}
