import type { Sql, Transaction } from '../database/database.ts';
import { closeJoin, closeJoinsOfInvite } from '../joins/join-closing.ts';
import type { OpenJoin } from '../joins/join-closing.ts';

/** What has become of the keys that an agent uses. */
export interface RevokedKeys {
  readonly revokedIds: readonly string[];
  /** Other agents use them too, so they stay. */
  readonly sharedIds: readonly string[];
}

const KEYS_OF = `
  SELECT api_keys.id, (SELECT COUNT(*) FROM key_identities AS others WHERE others.api_key = api_keys.id) AS users
  FROM api_keys JOIN key_identities ON key_identities.api_key = api_keys.id
  WHERE key_identities.account = ? AND key_identities.identity = ? AND api_keys.revoked_at IS NULL ORDER BY api_keys.created_at`;

/** Revokes the keys of an account that are bound to this identity and to no other. */
export async function revokeKeys(sql: Sql, account: string, identity: Uint8Array, nowMs: number): Promise<RevokedKeys> {
  const keys = await sql.all<{ id: string; users: number }>(KEYS_OF, account, identity);
  const own = keys.filter(({ users }) => users === 1).map(({ id }) => id);
  for (const id of own) await sql.run('UPDATE api_keys SET revoked_at = ? WHERE id = ?', nowMs, id);
  return { revokedIds: own, sharedIds: keys.filter(({ users }) => users > 1).map(({ id }) => id) };
}

/** Ends the invites that were made with these keys, and what waits under them; returns how many. */
export async function revokeInvitesOf(sql: Transaction, keys: readonly string[], nowMs: number): Promise<number> {
  let count = 0;
  for (const key of keys) {
    const revoked = await sql.all<{ id: string }>(
      'UPDATE invites SET revoked_at = ? WHERE api_key = ? AND revoked_at IS NULL AND expires_at > ? RETURNING id',
      ...[nowMs, key, nowMs],
    );
    for (const { id } of revoked) await closeJoinsOfInvite(sql, id, 'the invite was revoked');
    count += revoked.length;
  }
  return count;
}

/** Ends the join requests of an agent. */
export async function cancelJoinsOf(sql: Transaction, account: string, identity: Uint8Array): Promise<void> {
  const open = await sql.all<OpenJoin>(
    `SELECT id, invite, identity FROM join_requests
     WHERE account = ? AND identity = ? AND status IN ('waiting', 'claimed')`,
    ...[account, identity],
  );
  for (const join of open) await closeJoin(sql, join, 'cancelled', 'the agent was revoked');
}
