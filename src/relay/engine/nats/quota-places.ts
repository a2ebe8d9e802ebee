import type { AccountId } from '../../access/principal.ts';
import type { Publisher } from '../log-engine.ts';
import { monthStart } from '../month.ts';
import type { Item, PlannedItem } from './append-plan.ts';
import type { QuotaLedger, Reservation } from './quota-ledger.ts';
import type { Verdict } from './shard-fold.ts';

/** An account's items that need a place in its quota. */
interface Metered {
  readonly by: Publisher;
  readonly items: Item[];
  reservation: Reservation;
}

const NONE: Reservation = { granted: 0, untilMs: 0, generation: 0 };

/** The places that the items of one record have in the quotas of their accounts. */
export class QuotaPlaces {
  /** Items that got none. */
  readonly placeless: Set<Item> = new Set();
  readonly #ledger: QuotaLedger;
  readonly #monthStartMs: number;
  readonly #accounts: Map<AccountId, Metered>;

  private constructor(ledger: QuotaLedger, planned: readonly PlannedItem[], stampMs: number) {
    this.#ledger = ledger;
    this.#monthStartMs = monthStart(stampMs);
    this.#accounts = byAccount(planned);
  }

  /** Reserves as many as there are. Rejects if the servers cannot be asked; then none is reserved. */
  static async reserve(ledger: QuotaLedger, planned: readonly PlannedItem[], stampMs: number): Promise<QuotaPlaces> {
    const places = new QuotaPlaces(ledger, planned, stampMs);
    try {
      for (const metered of places.#accounts.values()) {
        const { by, items } = metered;
        const limit = by.messagesPerMonth ?? 0;
        metered.reservation = await ledger.reserve(by.account, places.#monthStartMs, limit, items.length);
        for (const item of items.splice(metered.reservation.granted)) places.placeless.add(item);
      }
      return places;
    } catch (error) {
      places.release();
      throw error;
    }
  }

  /** Until when an account's places hold, Unix ms by the servers' clocks; 0 if it needs none. */
  untilMs(account: AccountId): number {
    return this.#accounts.get(account)?.reservation.untilMs ?? 0;
  }

  /** Gives all of them back. */
  release(): void {
    this.settle(new Map());
  }

  /** Says what became of the items; places of items without a verdict are free again. */
  settle(verdicts: ReadonlyMap<Item, Verdict | undefined>): void {
    for (const { by, items, reservation } of this.#accounts.values()) {
      const own = items.map((item) => verdicts.get(item));
      const used = own.filter((verdict) => isStored(verdict)).length;
      const expired = own.filter((verdict) => verdict === 'expired').length;
      const free = reservation.granted - used - expired;
      const month = { account: by.account, monthStartMs: this.#monthStartMs };
      if (reservation.granted > 0) this.#ledger.settle(month, reservation, { used, free, expired });
    }
  }
}

function byAccount(planned: readonly PlannedItem[]): Map<AccountId, Metered> {
  const accounts = new Map<AccountId, Metered>();
  for (const { item, isStub } of planned) {
    const { by, submission } = item;
    if (isStub || by?.messagesPerMonth === undefined || submission.kind !== 'message') continue;
    const metered = accounts.get(by.account);
    if (metered !== undefined) metered.items.push(item);
    else accounts.set(by.account, { by, items: [item], reservation: NONE });
  }
  return accounts;
}

function isStored(verdict: Verdict | undefined): boolean {
  return typeof verdict === 'object' && verdict.kind === 'accepted' && !verdict.duplicate;
}
