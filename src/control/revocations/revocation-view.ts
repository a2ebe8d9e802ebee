import type { Sql } from '../database/database.ts';

/** Why an agent is revoked. */
export type RevocationReason = 'credential_compromise' | 'key_rotation' | 'policy_violation' | 'other';

/** How far a revocation is, as the API shows it. */
export interface RevocationView {
  readonly id: string;
  /** base64 */
  readonly identity: string;
  readonly reason: RevocationReason;
  /** Done when every channel has removed the agent. */
  readonly status: 'running' | 'done';
  readonly keys_revoked: number;
  /** Ids of keys that other agents use as well; they still work. */
  readonly keys_shared: readonly string[];
  readonly invites_revoked: number;
  readonly channels: readonly { readonly channel: string; readonly status: 'queued' | 'removed' }[];
  readonly created_at: string;
}

interface RevocationRow {
  readonly id: string;
  readonly identity: Uint8Array;
  readonly reason: RevocationReason;
  readonly keys_revoked: number;
  readonly keys_shared: string;
  readonly invites_revoked: number;
  readonly created_at: number;
}

interface ChannelRow {
  readonly name: string;
  readonly done_at: number | null;
}

const CHANNELS = `
  SELECT channels.name, removals.done_at FROM removals JOIN channels ON channels.id = removals.channel
  WHERE removals.revocation = ? ORDER BY channels.name`;
const RUNNING = `
  SELECT revocations.id FROM revocations WHERE account = ? AND identity = ?
    AND EXISTS (SELECT 1 FROM removals WHERE removals.revocation = revocations.id AND removals.done_at IS NULL)`;
/** Revocations in one answer. */
const MAX_LISTED = 256;

/** What is told when a revocation gets further. */
export function revocationTopic(id: string): string {
  return `revocation:${id}`;
}

/** The revocation of an account with this id. */
export async function findRevocation(sql: Sql, account: string, id: string): Promise<RevocationView | undefined> {
  const row = await sql.first<RevocationRow>('SELECT * FROM revocations WHERE id = ? AND account = ?', id, account);
  return row && viewOf(row, await sql.all<ChannelRow>(CHANNELS, id));
}

/** Those of an account, newest first. */
export async function listRevocations(sql: Sql, account: string): Promise<readonly RevocationView[]> {
  const rows = await sql.all<RevocationRow>(
    'SELECT * FROM revocations WHERE account = ? ORDER BY created_at DESC, id LIMIT ?',
    ...[account, MAX_LISTED],
  );
  const views: RevocationView[] = [];
  for (const row of rows) views.push(viewOf(row, await sql.all<ChannelRow>(CHANNELS, row.id)));
  return views;
}

/** The revocation of this agent by this account that is not done. */
export async function runningRevocation(sql: Sql, account: string, identity: Uint8Array): Promise<string | undefined> {
  return (await sql.first<{ id: string }>(RUNNING, account, identity))?.id;
}

function viewOf(row: RevocationRow, channels: readonly ChannelRow[]): RevocationView {
  return {
    id: row.id,
    identity: Buffer.from(row.identity).toString('base64'),
    reason: row.reason,
    status: channels.every(({ done_at }) => done_at !== null) ? 'done' : 'running',
    keys_revoked: row.keys_revoked,
    keys_shared: JSON.parse(row.keys_shared) as string[],
    invites_revoked: row.invites_revoked,
    channels: channels.map(({ name, done_at }) => ({ channel: name, status: done_at === null ? 'queued' : 'removed' })),
    created_at: new Date(row.created_at).toISOString(),
  };
}
