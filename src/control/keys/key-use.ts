import type { Database } from '../database/database.ts';

/** Keys that were used and not written down yet; more are written down one flush earlier. */
const MAX_PENDING = 10_000;

/** When keys were used last, written down together every few seconds instead of with every request. */
export class KeyUse {
  readonly #database: Database;
  #usedAt = new Map<string, number>();
  #onFull: () => void = () => undefined;

  constructor(database: Database) {
    this.#database = database;
  }

  /** @param onFull asks for a flush before its time */
  whenFull(onFull: () => void): void {
    this.#onFull = onFull;
  }

  note(keyId: string, nowMs: number): void {
    this.#usedAt.set(keyId, nowMs);
    if (this.#usedAt.size >= MAX_PENDING) this.#onFull();
  }

  /** Writes down what was noted. What cannot be written is kept for the next time. */
  async flush(): Promise<void> {
    if (this.#usedAt.size === 0) return;
    const pending = this.#usedAt;
    this.#usedAt = new Map();
    try {
      await this.#database.transaction(async (sql) => {
        for (const [keyId, usedAt] of pending) {
          await sql.run(
            'UPDATE api_keys SET last_used_at = ? WHERE id = ? AND (last_used_at IS NULL OR last_used_at < ?)',
            ...[usedAt, keyId, usedAt],
          );
        }
      });
    } catch (error) {
      this.#usedAt = new Map([...pending, ...this.#usedAt]);
      throw error;
    }
  }
}
