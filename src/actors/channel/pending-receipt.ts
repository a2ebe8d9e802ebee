import { ChannelError } from '../../base/errors.ts';
import type { EpochChange, SendReceipt } from './channel-event.ts';
import { deferred } from './deferred.ts';
import { type ConfirmedReceipt, type ConfirmedSendOptions, ReceiptTimeoutError } from './receipt.ts';
import type { Roster } from './roster.ts';

/** One message until enough members have confirmed it. */
export class PendingReceipt {
  readonly #name: string;
  readonly #options: ConfirmedSendOptions;
  readonly #roster: Roster;
  readonly #outcome = deferred<ConfirmedReceipt>();
  readonly #confirmedBy: Uint8Array[] = [];
  readonly #left: Uint8Array[] = [];
  #accepted: SendReceipt | undefined;

  constructor(name: string, options: ConfirmedSendOptions, roster: Roster) {
    this.#name = name;
    this.#options = options;
    this.#roster = roster;
  }

  get outcome(): Promise<ConfirmedReceipt> {
    return this.#outcome.promise;
  }

  /** Where the relay has it, once it does. */
  get seq(): number | undefined {
    return this.#accepted?.seq;
  }

  stored(receipt: SendReceipt): void {
    this.#accepted = receipt;
    this.#left.push(...this.#roster.sentIn(receipt.epoch));
    this.#check();
  }

  confirmed(receipt: 'delivered' | 'handled', by: Uint8Array): void {
    // What is handled is delivered, and not the other way round.
    if (receipt !== this.#options.receipt && receipt !== 'handled') return;
    if (!this.#roster.done(by)) return;
    this.#confirmedBy.push(by);
    this.#check();
  }

  changed(change: EpochChange): void {
    this.#left.push(...this.#roster.changed(change));
    this.#check();
  }

  timeOut(): void {
    const { timeoutMs, receipt } = this.#options;
    const { waitedFor } = this.#roster;
    const count = this.#accepted === undefined ? 'the relay has not' : `${waitedFor.length} members have not`;
    const detail = `${this.#name}: ${count} confirmed within ${timeoutMs} ms that a message is ${receipt}`;
    this.fail(new ReceiptTimeoutError(detail, this.#accepted, this.#confirmedBy, waitedFor));
  }

  fail(error: unknown): void {
    this.#outcome.reject(error);
  }

  #check(): void {
    if (this.#accepted === undefined) return;
    const { from, receipt } = this.#options;
    const isEnough = from === undefined ? this.#roster.isEmpty : this.#confirmedBy.length >= from;
    if (isEnough) {
      this.#outcome.resolve({ ...this.#accepted, receipt, confirmedBy: this.#confirmedBy, left: this.#left });
    } else if (this.#roster.waitedFor.length + this.#confirmedBy.length < (from ?? 0)) {
      const detail = `fewer members are left than the ${from} who should confirm that the message is ${receipt}`;
      this.fail(new ChannelError('responder_left', detail));
    }
  }
}
