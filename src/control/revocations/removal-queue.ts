import { randomUUID } from 'node:crypto';
import type { Transaction } from '../database/database.ts';

/** What members are asked to do. */
export interface QueuedRemoval {
  readonly account: string;
  readonly revocation: string;
  readonly identity: Uint8Array;
  readonly requestedBy: Uint8Array;
  readonly signature: Uint8Array;
  readonly nowMs: number;
}

interface ChannelRow {
  readonly id: string;
  readonly name: string;
}

/** An agent leaves the channels in which it is its account's, and those that the account which revokes it owns. */
const CHANNELS_OF = `
  SELECT channels.id, channels.name FROM channel_identities JOIN channels ON channels.id = channel_identities.channel
  WHERE channel_identities.identity = ? AND (channel_identities.account = ? OR channels.owner = ?)`;
const RENEW = `
  UPDATE removals SET requested_by = ?, signature = ? WHERE revocation = ? AND channel = ? AND done_at IS NULL`;
const INSERT = `
  INSERT INTO removals (id, revocation, channel, identity, requested_by, signature, created_at) VALUES (?, ?, ?, ?, ?, ?, ?)`;

/** Asks the members of each channel that the agent is in to remove it; returns the names of the channels. */
export async function queueRemovals(sql: Transaction, removal: QueuedRemoval): Promise<readonly string[]> {
  const { account, revocation, identity, requestedBy, signature, nowMs } = removal;
  const channels = await sql.all<ChannelRow>(CHANNELS_OF, identity, account, account);
  for (const { id } of channels) {
    if ((await sql.run(RENEW, requestedBy, signature, revocation, id)) > 0) continue;
    await sql.run(INSERT, randomUUID(), revocation, id, identity, requestedBy, signature, nowMs);
  }
  return channels.map(({ name }) => name);
}
