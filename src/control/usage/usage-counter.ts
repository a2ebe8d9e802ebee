import type { Database } from '../database/database.ts';
import { monthStart } from './month.ts';

/** Token exchanges, counted in memory and added to the database every few seconds: a crash loses the last of them. */
export class UsageCounter {
  readonly #database: Database;
  #counts = new Map<string, { readonly account: string; readonly month: number; count: number }>();

  constructor(database: Database) {
    this.#database = database;
  }

  count(account: string, nowMs: number): void {
    const month = monthStart(nowMs);
    const key = `${month} ${account}`;
    const counted = this.#counts.get(key);
    if (counted === undefined) this.#counts.set(key, { account, month, count: 1 });
    else counted.count += 1;
  }

  /** Adds what was counted. What cannot be added is kept for the next time. */
  async flush(): Promise<void> {
    if (this.#counts.size === 0) return;
    const pending = this.#counts;
    this.#counts = new Map();
    try {
      await this.#database.transaction(async (sql) => {
        for (const { account, month, count } of pending.values()) {
          await sql.run(
            `INSERT INTO usage_months (account, month_start, token_exchanges) VALUES (?, ?, ?)
             ON CONFLICT (account, month_start)
             DO UPDATE SET token_exchanges = usage_months.token_exchanges + excluded.token_exchanges`,
            ...[account, month, count],
          );
        }
      });
    } catch (error) {
      const meanwhile = this.#counts;
      this.#counts = pending;
      for (const [key, { account, month, count }] of meanwhile) {
        const counted = pending.get(key);
        if (counted === undefined) pending.set(key, { account, month, count });
        else counted.count += count;
      }
      throw error;
    }
  }
}
