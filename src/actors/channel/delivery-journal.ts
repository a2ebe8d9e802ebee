import type { JournalEntry } from '../../mls/index.ts';
import type { ChannelMessage } from './channel-event.ts';
import type { ConfirmationDesk } from './confirmation-desk.ts';
import { asksForOf, toJournalEntry, toRedelivered } from './journal-entry.ts';
import type { JournalReader } from './journal-reader.ts';
import type { Workbench } from './workbench.ts';

/** Journalled messages, and bytes, beyond which the relay gets no more credit. */
const MAX_MESSAGES = 1024;
const MAX_BYTES = 8 * 1024 * 1024;

/** Messages that are on disk from the moment they are read until the consumer has acknowledged them. */
export class DeliveryJournal {
  readonly #bench: Workbench;
  readonly #confirmations: ConfirmationDesk;
  #consumer: JournalReader | undefined;
  /** Left by an earlier run, which may or may not have shown them. */
  #unconfirmed: readonly JournalEntry[];

  constructor(bench: Workbench, confirmations: ConfirmationDesk) {
    this.#bench = bench;
    this.#confirmations = confirmations;
    this.#unconfirmed = bench.keeper.record.journal;
  }

  /** Whether messages have to be journalled, because somebody acknowledges them, or the next one will. */
  get isOn(): boolean {
    return this.#consumer !== undefined;
  }

  /** Messages that are not acknowledged. */
  get length(): number {
    return this.#bench.keeper.record.journal.length;
  }

  /** Whether at most half of its places are taken, or nobody wants any. */
  get isHalfEmpty(): boolean {
    return !this.isOn || this.length * 2 <= MAX_MESSAGES;
  }

  /** Whether more messages may be fetched. What an earlier consumer has left is in nobody's way. */
  get hasRoom(): boolean {
    const { journal } = this.#bench.keeper.record;
    if (!this.isOn) return true;
    if (journal.length >= MAX_MESSAGES) return false;
    return journal.reduce((sum, { payload }) => sum + payload.length, 0) < MAX_BYTES;
  }

  /** Serves `consumer` from now on. First it gets what is in the journal, and what waited for a first subscriber. */
  start(consumer: JournalReader): void {
    const { keeper, output } = this.#bench;
    this.#consumer = consumer;
    const held = output.openGate(this.#unconfirmed.map(toRedelivered));
    this.#unconfirmed = [];
    if (held.length > 0) {
      const { record } = keeper;
      keeper.deferShortly({ ...record, journal: [...record.journal, ...held.map(toJournalEntry)] });
    }
    consumer.offer(keeper.record.journal.map(toRedelivered));
  }

  /** Hands over messages that are in the journal now. */
  offer(messages: readonly ChannelMessage[]): void {
    this.#consumer?.offer(messages);
  }

  acknowledge(seqs: readonly number[]): void {
    const { keeper } = this.#bench;
    const { record } = keeper;
    const handled = new Set(seqs);
    const asked = record.journal.filter((entry) => handled.has(entry.seq) && asksForOf(entry) === 'handled');
    const rest = { ...record, journal: record.journal.filter(({ seq }) => !handled.has(seq)) };
    const next = this.#confirmations.confirm(
      rest,
      'handled',
      asked.map(({ seq }) => seq),
    );
    keeper.deferShortly(next);
  }

  /** Serves `consumer` no longer. What it has not acknowledged is for the next one. */
  release(consumer: JournalReader): void {
    if (this.#consumer === consumer) this.#consumer = undefined;
  }

  stop(): void {
    this.#consumer?.stop();
  }
}
