import type { AccountId } from '../../access/principal.ts';
import type { LogStatements } from './log-statements.ts';

/** Accounts whose use of the month is remembered; beyond that all are forgotten and read again. */
const MAX_CACHED_ACCOUNTS = 50_000;

/** What accounts have stored, by month. Counts of a transaction are written once per account, at its end. */
export class UsageTable {
  readonly #sql: LogStatements;
  readonly #cache = new Map<AccountId, number>();
  readonly #changed = new Set<AccountId>();
  /** The month that counts now; never goes back. */
  #monthStartMs: number;

  constructor(sql: LogStatements) {
    this.#sql = sql;
    this.#monthStartMs = Number(sql.lastMonth.first([])?.[0] ?? 0);
  }

  /** The latest month in which something was counted. */
  get monthStartMs(): number {
    return this.#monthStartMs;
  }

  /** From now on another month counts. To be called between transactions. */
  enterMonth(monthStartMs: number): void {
    if (monthStartMs === this.#monthStartMs) return;
    this.#monthStartMs = monthStartMs;
    this.forget();
  }

  /** Messages of an account in the month that counts. */
  messages(account: AccountId): number {
    const cached = this.#cache.get(account);
    if (cached !== undefined) return cached;
    const messages = this.messagesIn(account, this.#monthStartMs);
    // Not while a transaction has counts that are not written yet.
    if (this.#cache.size >= MAX_CACHED_ACCOUNTS && this.#changed.size === 0) this.#cache.clear();
    this.#cache.set(account, messages);
    return messages;
  }

  /** Messages of an account in any month. */
  messagesIn(account: AccountId, monthStartMs: number): number {
    return Number(this.#sql.selectUsage.first([account, monthStartMs])?.[0] ?? 0);
  }

  /** Counts one message more, in a transaction. */
  count(account: AccountId): void {
    this.#cache.set(account, this.messages(account) + 1);
    this.#changed.add(account);
  }

  /** Writes what was counted, at the end of a transaction. */
  save(): void {
    for (const account of this.#changed) {
      this.#sql.upsertUsage.run([account, this.#monthStartMs, this.messages(account)]);
    }
    this.#changed.clear();
  }

  /** Forgets what is remembered: a transaction was rolled back. */
  forget(): void {
    this.#cache.clear();
    this.#changed.clear();
  }
}
