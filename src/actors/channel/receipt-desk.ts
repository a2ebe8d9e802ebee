import { RuntimeError } from '../../base/errors.ts';
import { onAbort } from '../../streams/index.ts';
import type { EpochChange } from './channel-event.ts';
import type { Confirmation } from './exchange-event.ts';
import type { ExchangePorts } from './exchange-ports.ts';
import { Receipt } from './gen/skytale/channel/v1/envelope_pb.ts';
import { PendingReceipt } from './pending-receipt.ts';
import { checkConfirmedSend, type ConfirmedReceipt, type ConfirmedSendOptions } from './receipt.ts';
import { Roster } from './roster.ts';

/** Messages whose confirmations may be waited for at once. */
const MAX_PENDING = 16_384;

/** Own messages that wait for the confirmations of others. */
export class ReceiptDesk {
  readonly #ports: ExchangePorts;
  readonly #pending = new Set<PendingReceipt>();
  /** Those that the relay has, by their place in the log. */
  readonly #bySeq = new Map<number, PendingReceipt>();

  constructor(ports: ExchangePorts) {
    this.#ports = ports;
  }

  /** See {@link Channel.send}. */
  send(payload: Uint8Array, options: ConfirmedSendOptions): Promise<ConfirmedReceipt> {
    checkConfirmedSend(options);
    const { clock, name, state, self, send } = this.#ports;
    if (this.#pending.size >= MAX_PENDING) {
      throw new RuntimeError('mailbox_full', `${MAX_PENDING} messages wait for confirmations already`);
    }
    const { members, epoch } = state();
    const pending = new PendingReceipt(name, options, new Roster(members, epoch, self));
    this.#pending.add(pending);
    const cancelTimeout = clock.schedule(options.timeoutMs, () => pending.timeOut());
    send({
      header: { receipt: options.receipt === 'handled' ? Receipt.HANDLED : Receipt.DELIVERED },
      payload,
      ...(options.signal && { signal: options.signal }),
      stored: (receipt) => {
        // Whoever waited may have been told already.
        if (this.#pending.has(pending)) this.#bySeq.set(receipt.seq, pending);
        pending.stored(receipt);
      },
      failed: (error) => pending.fail(error),
    });
    const { signal } = options;
    const ignoreSignal = signal && onAbort(signal, () => pending.fail(signal.reason));
    return pending.outcome.finally(() => {
      ignoreSignal?.();
      cancelTimeout();
      this.#pending.delete(pending);
      if (pending.seq !== undefined) this.#bySeq.delete(pending.seq);
    });
  }

  /** A member confirms messages, perhaps of somebody else. */
  take({ seqs, receipt, sender }: Confirmation): void {
    for (const seq of seqs) this.#bySeq.get(seq)?.confirmed(receipt, sender);
  }

  changed(change: EpochChange): void {
    for (const pending of this.#pending) pending.changed(change);
  }

  /** Nothing comes any more: all that wait have their answer. */
  failAll(error: unknown): void {
    for (const pending of this.#pending) pending.fail(error);
  }
}
