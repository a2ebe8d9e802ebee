import { randomUUID } from 'node:crypto';
import type { Context } from '../context.ts';
import type { Sql } from '../database/database.ts';
import { notFound, Refusal } from '../refusal.ts';
import { createApiKey } from './api-key.ts';
import type { ApiKey, KeyMode } from './api-key.ts';
import type { KeyHasher } from './key-hasher.ts';
import type { VerifiedKeys } from './verified-keys.ts';

/** A key of an account, without what is secret. */
export interface ListedKey {
  readonly id: string;
  readonly key_prefix: string;
  readonly name: string;
  readonly last_used_at: string | null;
  readonly created_at: string;
}

/** A key that was made and is not stored yet. */
export interface PreparedKey extends ApiKey {
  readonly id: string;
  readonly name: string;
  readonly hash: string;
}

interface KeyRow {
  readonly id: string;
  readonly prefix: string;
  readonly name: string;
  readonly created_at: number;
  readonly last_used_at: number | null;
}

/** What keys are made with. */
export interface KeyTools {
  readonly mode: KeyMode;
  readonly hasher: KeyHasher;
  readonly verified: VerifiedKeys;
}

/** The API keys of accounts: made, listed, revoked. */
export class ApiKeys {
  readonly #context: Context;
  readonly #tools: KeyTools;
  readonly #onRevoked: () => void;

  /** @param onRevoked called when a key was revoked, so that relays hear of it */
  constructor(context: Context, tools: KeyTools, onRevoked: () => void) {
    this.#context = context;
    this.#tools = tools;
    this.#onRevoked = onRevoked;
  }

  /** Makes a key and hashes it, which takes a while: not inside a transaction. */
  async prepare(name: string): Promise<PreparedKey> {
    const { mode, hasher, verified } = this.#tools;
    const key = createApiKey(mode);
    const hash = await hasher.hash(key.text);
    verified.add(key.text, hash);
    return { ...key, id: randomUUID(), name, hash };
  }

  async insert(sql: Sql, account: string, key: PreparedKey, nowMs: number): Promise<void> {
    await sql.run(
      'INSERT INTO api_keys (id, account, lookup, hash, prefix, name, created_at) VALUES (?, ?, ?, ?, ?, ?, ?)',
      ...[key.id, account, key.lookup, key.hash, key.prefix, key.name, nowMs],
    );
  }

  /**
   * Makes a key for an account.
   *
   * @throws {@link Refusal} 429 `too_many_keys`
   */
  async create(account: string, name: string): Promise<PreparedKey> {
    const { database, clock, limits } = this.#context;
    const key = await this.prepare(name);
    await database.transaction(async (sql) => {
      const row = await sql.first<{ count: number }>(
        'SELECT COUNT(*) AS count FROM api_keys WHERE account = ? AND revoked_at IS NULL',
        account,
      );
      if ((row?.count ?? 0) >= limits.maxKeys) {
        throw new Refusal(429, `an account has at most ${limits.maxKeys} keys; revoke one`, 'too_many_keys');
      }
      await this.insert(sql, account, key, clock.now());
    });
    return key;
  }

  /** Those that are not revoked, newest first. */
  async list(account: string): Promise<readonly ListedKey[]> {
    const rows = await this.#context.database.all<KeyRow>(
      `SELECT id, prefix, name, created_at, last_used_at FROM api_keys
       WHERE account = ? AND revoked_at IS NULL ORDER BY created_at DESC, id DESC`,
      account,
    );
    return rows.map((row) => ({
      id: row.id,
      key_prefix: row.prefix,
      name: row.name,
      last_used_at: row.last_used_at === null ? null : new Date(row.last_used_at).toISOString(),
      created_at: new Date(row.created_at).toISOString(),
    }));
  }

  /**
   * Ends a key, and all tokens that were made from it, at once.
   *
   * @throws {@link Refusal} 404 for a key that is not there, another account's, or revoked already
   */
  async revoke(account: string, id: string): Promise<void> {
    const { database, clock } = this.#context;
    const changed = await database.run(
      'UPDATE api_keys SET revoked_at = ? WHERE id = ? AND account = ? AND revoked_at IS NULL',
      ...[clock.now(), id, account],
    );
    if (changed === 0) throw notFound();
    this.#onRevoked();
  }
}
