import type { Context } from '../context.ts';
import { Refusal } from '../refusal.ts';
import type { Caller } from './credentials.ts';

/** Which agents use which key. */
export class KeyIdentities {
  readonly #context: Context;

  constructor(context: Context) {
    this.#context = context;
  }

  /**
   * Binds the caller's key to an identity, once.
   *
   * @throws {@link Refusal} 429 `too_many_identities`
   */
  async bind({ keyId, account }: Caller, identity: Uint8Array): Promise<void> {
    const { database, clock, limits } = this.#context;
    const known = 'SELECT 1 AS bound FROM key_identities WHERE api_key = ? AND identity = ?';
    if ((await database.first(known, keyId, identity)) !== undefined) return;
    await database.transaction(async (sql) => {
      const row = await sql.first<{ count: number }>(
        'SELECT COUNT(*) AS count FROM key_identities WHERE api_key = ?',
        keyId,
      );
      if ((row?.count ?? 0) >= limits.maxIdentitiesPerKey) {
        throw new Refusal(429, 'too many identities use this key; make another key', 'too_many_identities');
      }
      await sql.run(
        `INSERT INTO key_identities (api_key, identity, account, bound_at) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING`,
        ...[keyId, identity, account, clock.now()],
      );
    });
  }
}
