import { randomUUID } from 'node:crypto';
import type { Changes } from '../changes.ts';
import type { Context } from '../context.ts';
import type { Transaction } from '../database/database.ts';
import { redeemableInvite } from '../invites/invites.ts';
import type { InviteRow } from '../invites/invites.ts';
import { notFound, Refusal } from '../refusal.ts';
import type { Announcer } from '../relay/announcer.ts';
import { closeJoin } from './join-closing.ts';
import type { OpenJoin } from './join-closing.ts';
import { isOpen, joinTopic, joinView } from './join-status.ts';
import type { JoinStatus, JoinStatusRow, JoinView } from './join-status.ts';

/** What somebody says who wants to join. */
export interface NewJoin {
  readonly channel: string;
  readonly inviteId: string;
  readonly redeemKey: Uint8Array;
  readonly identity: Uint8Array;
  readonly keyPackage: Uint8Array;
  /** For members: that the key package comes from whom the invite was given to. Opaque here. */
  readonly proof: Uint8Array;
}

/** A request lives until its invite expires, and no longer than this. */
const MAX_LIFE_MS = 24 * 60 * 60 * 1000;

const STATUS = 'SELECT id, status, reason, expires_at, lease_until FROM join_requests WHERE id = ? AND account = ?';

/** The joiner's side of join requests. */
export class JoinRequests {
  readonly #context: Context;
  readonly #announcer: Announcer;
  readonly #changes: Changes;

  constructor(context: Context, announcer: Announcer, changes: Changes) {
    this.#context = context;
    this.#announcer = announcer;
    this.#changes = changes;
  }

  /**
   * Asks to be let into a channel. The request takes the place of an open one of the same identity under the same invite.
   *
   * @throws {@link Refusal} as `redeemableInvite` does; 409 `invite_exhausted`; 409 `identity_taken` if another account has used the
   * invite for this identity; 429 `too_many_joins`
   */
  async request(account: string, join: NewJoin): Promise<JoinView> {
    const { database, clock } = this.#context;
    const now = clock.now();
    const row = await database.transaction(async (sql) => {
      const invite = await redeemableInvite(sql, join, now);
      await this.#takeUse(sql, account, invite, join.identity);
      await this.#replaceOpen(sql, invite, join.identity);
      await this.#checkRoom(sql, invite);
      const row = { id: randomUUID(), expires_at: Math.min(invite.expires_at, now + MAX_LIFE_MS) };
      await sql.run(
        `INSERT INTO join_requests (id, channel, invite, account, identity, key_package, proof, approval, status, created_at, expires_at)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, 'waiting', ?, ?)`,
        ...[row.id, invite.channel, invite.id, account, join.identity, join.keyPackage, join.proof, invite.approval],
        ...[now, row.expires_at],
      );
      return row;
    });
    this.#announcer.announce(join.channel, 'join-requests');
    return joinView({ ...row, status: 'waiting', reason: null, lease_until: null }, now);
  }

  /**
   * Where a request stands; waits for it to stand elsewhere than at `since`.
   *
   * @throws {@link Refusal} 404 for a request that is not there, or another account's
   */
  async status(account: string, id: string, wait: StatusWait): Promise<JoinView> {
    const { database, clock } = this.#context;
    return this.#changes.news({
      account,
      topic: joinTopic(id),
      timeoutMs: wait.since === undefined ? 0 : wait.timeoutMs,
      signal: wait.signal,
      read: async () => {
        const row = await database.first<JoinStatusRow>(STATUS, id, account);
        if (row === undefined) throw notFound();
        return joinView(row, clock.now());
      },
      isNews: ({ status }) => status !== wait.since,
    });
  }

  /** Takes a request back, if it is still open. @throws {@link Refusal} 404 */
  async cancel(account: string, id: string): Promise<void> {
    await this.#context.database.transaction(async (sql) => {
      const join = await sql.first<OpenJoin & { status: JoinStatus }>(
        'SELECT id, invite, identity, status FROM join_requests WHERE id = ? AND account = ?',
        ...[id, account],
      );
      if (join === undefined) throw notFound();
      if (isOpen(join.status)) await closeJoin(sql, join, 'cancelled');
    });
  }

  /** An identity counts once, however often it asks, and is whose account used it first. */
  async #takeUse(sql: Transaction, account: string, invite: InviteRow, identity: Uint8Array): Promise<void> {
    const use = await sql.first<{ account: string }>(
      'SELECT account FROM invite_uses WHERE invite = ? AND identity = ?',
      ...[invite.id, identity],
    );
    if (use !== undefined && use.account !== account) {
      throw new Refusal(409, 'another account has used this invite for this identity', 'identity_taken');
    }
    if (use !== undefined) return;
    if (invite.uses >= invite.max_uses) {
      throw new Refusal(409, `the invite has been used ${invite.uses} times, as often as it may`, 'invite_exhausted');
    }
    await sql.run('INSERT INTO invite_uses (invite, identity, account) VALUES (?, ?, ?)', invite.id, identity, account);
  }

  async #replaceOpen(sql: Transaction, invite: InviteRow, identity: Uint8Array): Promise<void> {
    const open = await sql.first<{ id: string }>(
      `SELECT id FROM join_requests WHERE invite = ? AND identity = ? AND status IN ('waiting', 'claimed')`,
      ...[invite.id, identity],
    );
    if (open === undefined) return;
    // Its use goes on to the new one.
    await sql.run(
      `UPDATE join_requests SET status = 'cancelled', reason = ?, key_package = ?, proof = ? WHERE id = ?`,
      ...['asked again', new Uint8Array(), new Uint8Array(), open.id],
    );
    await sql.tell(joinTopic(open.id));
  }

  async #checkRoom(sql: Transaction, invite: InviteRow): Promise<void> {
    const { maxJoinsPerChannel } = this.#context.limits;
    const row = await sql.first<{ count: number }>(
      `SELECT COUNT(*) AS count FROM join_requests WHERE channel = ? AND status IN ('waiting', 'claimed')`,
      invite.channel,
    );
    if ((row?.count ?? 0) < maxJoinsPerChannel) return;
    throw new Refusal(429, `${maxJoinsPerChannel} agents wait for this channel already`, 'too_many_joins', 10);
  }
}

/** How long somebody waits for a request to change. */
export interface StatusWait {
  /** The status that is known already; without one the answer comes at once. */
  readonly since: JoinStatus | undefined;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}
