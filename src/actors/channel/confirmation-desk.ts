import { RuntimeError } from '../../base/errors.ts';
import type { ChannelRecord } from '../../mls/index.ts';
import { encodeHeader } from './envelope.ts';
import { Receipt } from './gen/skytale/channel/v1/envelope_pb.ts';
import type { OutboxDesk } from './outbox-desk.ts';
import type { Workbench } from './workbench.ts';

/** Own messages that may wait for the relay while confirmations are still added to them. */
const MAX_UNSETTLED = 4096;
const NOTHING = new Uint8Array();

/**
 * Tells senders what has become of their messages. A confirmation enters the outbox with the same write that makes it
 * true, so that it is never said too early and, after a crash, not forgotten.
 */
export class ConfirmationDesk {
  readonly #bench: Workbench;
  readonly #outbox: OutboxDesk;

  constructor(bench: Workbench, outbox: OutboxDesk) {
    this.#bench = bench;
    this.#outbox = outbox;
  }

  /** `record` with a confirmation of these messages on its way. The caller writes it. */
  confirm(record: ChannelRecord, receipt: 'delivered' | 'handled', seqs: readonly number[]): ChannelRecord {
    if (seqs.length === 0 || !record.group.isActive) return record;
    const { output, ids } = this.#bench;
    if (this.#outbox.unsettled >= MAX_UNSETTLED) {
      const detail = `${seqs.length} confirmations were not sent: ${MAX_UNSETTLED} messages wait for the relay already`;
      output.fault({ kind: 'unsent', error: new RuntimeError('mailbox_full', detail) });
      return record;
    }
    const value = { receipt: receipt === 'handled' ? Receipt.HANDLED : Receipt.DELIVERED, seqs: seqs.map(BigInt) };
    const header = encodeHeader({ kind: { case: 'confirmation', value } });
    return this.#outbox.accept(record, [{ payload: NOTHING, header, waiter: undefined }], () => ids.create());
  }
}
