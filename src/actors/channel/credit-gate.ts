import type { DeliveryJournal } from './delivery-journal.ts';
import type { Workbench } from './workbench.ts';

/**
 * Decides whether the relay may send more than it was allowed to. It may not while the journal is full, or while somebody
 * holds the channel.
 *
 * Each time that it comes to that a `slow` fault tells of it, and not again before half of the journal is handled and nobody
 * holds.
 */
export class CreditGate {
  readonly #bench: Pick<Workbench, 'link' | 'output'>;
  readonly #journal: Pick<DeliveryJournal, 'hasRoom' | 'isHalfEmpty' | 'length'>;
  #holders = 0;
  #isSlow = false;

  constructor(
    bench: Pick<Workbench, 'link' | 'output'>,
    journal: Pick<DeliveryJournal, 'hasRoom' | 'isHalfEmpty' | 'length'>,
  ) {
    this.#bench = bench;
    this.#journal = journal;
  }

  /** Whether its readers are behind, since the last `slow` fault. */
  get isSlow(): boolean {
    return this.#isSlow;
  }

  /** How many readers cannot take more. */
  get holders(): number {
    return this.#holders;
  }

  /** Somebody cannot take more. */
  hold(): void {
    this.#holders += 1;
    this.processed(0);
  }

  /** Somebody who held can take more. */
  release(): void {
    this.#holders -= 1;
    this.processed(0);
  }

  /** Entries are read, or some were handled: the relay gets credit for them, now or when there is room. */
  processed(entries: number): void {
    const { link, output } = this.#bench;
    const isWilling = this.#journal.hasRoom && this.#holders === 0;
    link.processed(entries, isWilling);
    if (isWilling) {
      if (this.#journal.isHalfEmpty) this.#isSlow = false;
      return;
    }
    if (this.#isSlow) return;
    this.#isSlow = true;
    output.fault({ kind: 'slow', unhandled: this.#journal.length });
  }
}
