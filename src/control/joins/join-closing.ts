import type { Transaction } from '../database/database.ts';
import { joinTopic } from './join-status.ts';
import type { JoinStatus } from './join-status.ts';

/** A request that is open. */
export interface OpenJoin {
  readonly id: string;
  readonly invite: string;
  readonly identity: Uint8Array;
}

const NOTHING = new Uint8Array();

/**
 * Ends an open request without admission: it gives its use of the invite back, unless its identity was admitted before, and what
 * it carried is deleted.
 */
export async function closeJoin(
  sql: Transaction,
  { id, invite, identity }: OpenJoin,
  status: Extract<JoinStatus, 'denied' | 'expired' | 'cancelled'>,
  reason: string | null = null,
): Promise<void> {
  await sql.run(
    'UPDATE join_requests SET status = ?, reason = ?, lease_until = NULL, key_package = ?, proof = ? WHERE id = ?',
    ...[status, reason, NOTHING, NOTHING, id],
  );
  await sql.run('DELETE FROM invite_uses WHERE invite = ? AND identity = ? AND is_admitted = 0', invite, identity);
  await sql.tell(joinTopic(id));
}

/** Ends all open requests under an invite. */
export async function closeJoinsOfInvite(sql: Transaction, invite: string, reason: string): Promise<void> {
  const open = await sql.all<OpenJoin>(
    `SELECT id, invite, identity FROM join_requests WHERE invite = ? AND status IN ('waiting', 'claimed')`,
    invite,
  );
  for (const join of open) await closeJoin(sql, join, 'denied', reason);
}
