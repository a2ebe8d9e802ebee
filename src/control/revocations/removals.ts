import { ownChannel } from '../channels/channels.ts';
import type { Context } from '../context.ts';
import type { Transaction } from '../database/database.ts';
import { notFound } from '../refusal.ts';
import type { RelayOperations } from '../relay/relay-operations.ts';
import { revocationTopic } from './revocation-view.ts';

/** An agent that members are asked to remove. */
export interface Removal {
  readonly id: string;
  readonly identity: Uint8Array;
  readonly requestedBy: Uint8Array;
  readonly signature: Uint8Array;
  readonly createdAtMs: number;
}

interface RemovalRow {
  readonly id: string;
  readonly channel: string;
  readonly channel_name: string;
  readonly owner: string;
  readonly identity: Uint8Array;
  readonly requested_by: Uint8Array;
  readonly signature: Uint8Array;
  readonly created_at: number;
  readonly done_at: number | null;
  readonly revoker: string;
}

const SELECT = `
  SELECT removals.*, channels.name AS channel_name, channels.owner, revocations.account AS revoker
  FROM removals JOIN channels ON channels.id = removals.channel JOIN revocations ON revocations.id = removals.revocation`;
const OPEN = `${SELECT} WHERE removals.channel = ? AND removals.done_at IS NULL ORDER BY removals.created_at, removals.id LIMIT ?`;
const BY_ID = `${SELECT} WHERE removals.id = ?`;
/** Removals in one answer. */
const MAX_LISTED = 256;

/** The members' side of revocations. Only accounts that are in the channel; to others nothing is there. */
export class Removals {
  readonly #context: Context;
  readonly #relay: RelayOperations;

  constructor(context: Context, relay: RelayOperations) {
    this.#context = context;
    this.#relay = relay;
  }

  /** Whom the members of a channel are asked to remove, oldest first, at most 256. @throws {@link Refusal} 404 */
  async open(account: string, channelName: string): Promise<readonly Removal[]> {
    const { database } = this.#context;
    const channel = await ownChannel(database, account, channelName);
    const rows = await database.all<RemovalRow>(OPEN, channel.id, MAX_LISTED);
    return rows.map((row) => ({
      id: row.id,
      identity: row.identity,
      requestedBy: row.requested_by,
      signature: row.signature,
      createdAtMs: row.created_at,
    }));
  }

  /**
   * Notes that a member has removed the agent. An account of others that has no agent left in the channel leaves it, at the relay
   * too. Again: nothing changes.
   *
   * @throws {@link Refusal} 404
   */
  async done(account: string, id: string): Promise<void> {
    const { database, clock } = this.#context;
    const left = await database.transaction(async (sql) => {
      const removal = await sql.first<RemovalRow>(BY_ID, id);
      if (removal === undefined) throw notFound();
      await ownChannel(sql, account, removal.channel_name);
      if (removal.done_at !== null) return undefined;
      const ended = await sql.all<{ revocation: string }>(
        'UPDATE removals SET done_at = ? WHERE channel = ? AND identity = ? AND done_at IS NULL RETURNING revocation',
        ...[clock.now(), removal.channel, removal.identity],
      );
      for (const { revocation } of ended) await sql.tell(revocationTopic(revocation));
      return leaveChannel(sql, removal);
    });
    if (left !== undefined) await this.#expel(left.channel, left.account);
  }

  async #expel(channel: string, account: string): Promise<void> {
    try {
      await this.#relay.expel(channel, account);
    } catch (error) {
      // It reads ciphertext that it has no keys for any more.
      this.#context.logger.warn({ err: error, channel, account }, 'no relay has taken the right to a channel away');
    }
  }
}

/**
 * Takes the agent out of the channel, and its account if it is another's than the one that revokes, does not own the channel, and
 * has no other agent there.
 */
async function leaveChannel(
  sql: Transaction,
  removal: RemovalRow,
): Promise<{ readonly channel: string; readonly account: string } | undefined> {
  const [gone] = await sql.all<{ account: string }>(
    'DELETE FROM channel_identities WHERE channel = ? AND identity = ? RETURNING account',
    ...[removal.channel, removal.identity],
  );
  if (gone === undefined || gone.account === removal.owner || gone.account === removal.revoker) return undefined;
  const others = 'SELECT 1 AS found FROM channel_identities WHERE channel = ? AND account = ?';
  if ((await sql.first(others, removal.channel, gone.account)) !== undefined) return undefined;
  await sql.run('DELETE FROM channel_accounts WHERE channel = ? AND account = ?', removal.channel, gone.account);
  return { channel: removal.channel_name, account: gone.account };
}
