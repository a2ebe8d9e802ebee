import { createHash, timingSafeEqual } from 'node:crypto';
import { ownChannel } from '../channels/channels.ts';
import type { Context } from '../context.ts';
import type { Sql } from '../database/database.ts';
import { closeJoinsOfInvite } from '../joins/join-closing.ts';
import type { Caller } from '../keys/credentials.ts';
import { notFound, Refusal } from '../refusal.ts';

/** Whether members admit on their own, or ask somebody. */
export type Approval = 'automatic' | 'manual';

/** What a member says of an invite that it has made. */
export interface NewInvite {
  readonly channel: string;
  /** base64url of 16 bytes, chosen by the member. */
  readonly id: string;
  readonly maxUses: number;
  readonly ttlSeconds: number;
  readonly approval: Approval;
  /** SHA-256 of the redeem key, which this server sees when somebody joins and not before. */
  readonly verifier: Uint8Array;
  /** Signed by the member, for members. Opaque here. */
  readonly record: Uint8Array;
}

/** An invite as the API shows it. */
export interface InviteView {
  readonly id: string;
  readonly channel: string;
  readonly max_uses: number;
  readonly uses: number;
  readonly approval: Approval;
  readonly expires_at: string;
  readonly created_at: string;
}

/** An invite as it is kept. */
export interface InviteRow {
  readonly id: string;
  readonly channel: string;
  readonly channel_name: string;
  readonly account: string;
  readonly max_uses: number;
  readonly uses: number;
  readonly approval: Approval;
  readonly verifier: Uint8Array;
  readonly created_at: number;
  readonly expires_at: number;
  readonly revoked_at: number | null;
}

const SELECT = `
  SELECT invites.id, invites.channel, channels.name AS channel_name, invites.account, invites.max_uses, invites.approval,
    invites.verifier, invites.created_at, invites.expires_at, invites.revoked_at,
    (SELECT COUNT(*) FROM invite_uses WHERE invite_uses.invite = invites.id) AS uses
  FROM invites JOIN channels ON channels.id = invites.channel`;
const BY_ID = `${SELECT} WHERE invites.id = ?`;
const OF_CHANNEL = `${SELECT} WHERE invites.channel = ? AND invites.revoked_at IS NULL AND invites.expires_at > ?
  ORDER BY invites.created_at DESC, invites.id`;

/** Invites to channels. The server can check who redeems one; it can make none, and read none. */
export class Invites {
  readonly #context: Context;

  constructor(context: Context) {
    this.#context = context;
  }

  /**
   * Keeps an invite that a member has made. Again with the same id by the same account: the one that is there.
   *
   * @throws {@link Refusal} 404 if the account is not in the channel; 409 `invite_exists`; 429 `too_many_invites`
   */
  async create({ account, keyId }: Caller, invite: NewInvite): Promise<InviteView> {
    const { database, clock, limits } = this.#context;
    const now = clock.now();
    return database.transaction(async (sql) => {
      const channel = await ownChannel(sql, account, invite.channel);
      const before = await findInvite(sql, invite.id);
      if (before !== undefined) {
        const isSame = before.account === account && before.channel === channel.id;
        if (isSame && equal(before.verifier, invite.verifier)) return viewOf(before);
        throw new Refusal(409, 'there is an invite with this id', 'invite_exists');
      }
      const row = await sql.first<{ count: number }>(
        'SELECT COUNT(*) AS count FROM invites WHERE channel = ? AND revoked_at IS NULL AND expires_at > ?',
        ...[channel.id, now],
      );
      if ((row?.count ?? 0) >= limits.maxInvitesPerChannel) {
        const text = `a channel has at most ${limits.maxInvitesPerChannel} invites that can be used; revoke one`;
        throw new Refusal(429, text, 'too_many_invites');
      }
      await sql.run(
        `INSERT INTO invites (id, channel, account, api_key, max_uses, approval, verifier, record, created_at, expires_at)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
        ...[
          invite.id,
          channel.id,
          account,
          keyId,
          invite.maxUses,
          invite.approval,
          invite.verifier,
          invite.record,
          now,
        ],
        now + invite.ttlSeconds * 1000,
      );
      const stored = await findInvite(sql, invite.id);
      if (stored === undefined) throw notFound();
      return viewOf(stored);
    });
  }

  /** Those of a channel that can be used, newest first. @throws {@link Refusal} 404 */
  async list(account: string, channelName: string): Promise<readonly InviteView[]> {
    const { database, clock } = this.#context;
    const channel = await ownChannel(database, account, channelName);
    return (await database.all<InviteRow>(OF_CHANNEL, channel.id, clock.now())).map(viewOf);
  }

  /**
   * Ends an invite; requests that wait under it are denied. Again: nothing changes.
   *
   * @throws {@link Refusal} 404 if it is not of a channel that the account is in; 403 if the account has neither made it nor
   * owns the channel
   */
  async revoke(account: string, id: string): Promise<void> {
    const { database, clock } = this.#context;
    await database.transaction(async (sql) => {
      const invite = await findInvite(sql, id);
      if (invite === undefined) throw notFound();
      const channel = await ownChannel(sql, account, invite.channel_name);
      if (invite.account !== account && channel.owner !== account) {
        throw new Refusal(403, 'only who made an invite, or owns the channel, may revoke it', 'unauthorized');
      }
      await sql.run('UPDATE invites SET revoked_at = ? WHERE id = ? AND revoked_at IS NULL', clock.now(), id);
      await closeJoinsOfInvite(sql, id, 'the invite was revoked');
    });
  }
}

/** The invite with this id, whatever its condition. */
export function findInvite(sql: Sql, id: string): Promise<InviteRow | undefined> {
  return sql.first<InviteRow>(BY_ID, id);
}

/**
 * The invite that somebody redeems for a channel, if it can be redeemed now, but for its uses.
 *
 * @throws {@link Refusal} 404 `invite_unknown`, also for a wrong redeem key; 400 `invite_wrong_channel`; 410 `invite_revoked`;
 * 410 `invite_expired`
 */
export async function redeemableInvite(
  sql: Sql,
  redemption: { readonly inviteId: string; readonly channel: string; readonly redeemKey: Uint8Array },
  nowMs: number,
): Promise<InviteRow> {
  const invite = await findInvite(sql, redemption.inviteId);
  const digest = createHash('sha256').update(redemption.redeemKey).digest();
  // Compared also where there is none, so that the answer takes as long.
  const fits = equal(digest, invite?.verifier ?? new Uint8Array(digest.length));
  if (invite === undefined || !fits) throw new Refusal(404, 'no such invite', 'invite_unknown');
  if (invite.channel_name !== redemption.channel) {
    throw new Refusal(400, 'the invite is for another channel', 'invite_wrong_channel');
  }
  if (invite.revoked_at !== null) throw new Refusal(410, 'the invite was revoked', 'invite_revoked');
  if (invite.expires_at <= nowMs) throw new Refusal(410, 'the invite has expired', 'invite_expired');
  return invite;
}

/** In constant time for byte strings of one length. */
function equal(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && timingSafeEqual(a, b);
}

function viewOf(row: InviteRow): InviteView {
  return {
    id: row.id,
    channel: row.channel_name,
    max_uses: row.max_uses,
    uses: row.uses,
    approval: row.approval,
    expires_at: new Date(row.expires_at).toISOString(),
    created_at: new Date(row.created_at).toISOString(),
  };
}
