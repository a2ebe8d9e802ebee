import { admitMember, ownChannel } from '../channels/channels.ts';
import type { Context } from '../context.ts';
import type { Sql, Transaction } from '../database/database.ts';
import type { Approval } from '../invites/invites.ts';
import { notFound, Refusal } from '../refusal.ts';
import type { Announcer } from '../relay/announcer.ts';
import { closeJoin } from './join-closing.ts';
import { isOpen, joinTopic, statusAt } from './join-status.ts';
import type { JoinStatus, JoinStatusRow } from './join-status.ts';

/** A request as members see it. */
export interface PendingJoin {
  readonly id: string;
  readonly identity: Uint8Array;
  readonly keyPackage: Uint8Array;
  readonly proof: Uint8Array;
  readonly inviteId: string;
  readonly inviteRecord: Uint8Array;
  readonly approval: Approval;
  readonly createdAtMs: number;
  readonly status: JoinStatus;
}

/** What a member wants to decide on. */
export interface Claim {
  readonly channel: string;
  readonly limit: number;
  /** Without them: those that members decide on by themselves. */
  readonly ids: readonly string[] | undefined;
}

interface PendingRow extends JoinStatusRow {
  readonly identity: Uint8Array;
  readonly key_package: Uint8Array;
  readonly proof: Uint8Array;
  readonly invite: string;
  readonly record: Uint8Array;
  readonly approval: Approval;
  readonly created_at: number;
}

interface DeskRow extends JoinStatusRow {
  readonly channel: string;
  readonly channel_name: string;
  readonly invite: string;
  readonly account: string;
  readonly identity: Uint8Array;
}

/** How long a member has for what it has claimed, before others may claim it. */
export const LEASE_MS = 10_000;
/** Requests in one answer. */
const MAX_PENDING = 256;

const PENDING = `
  SELECT join_requests.id, join_requests.identity, join_requests.key_package, join_requests.proof, join_requests.invite,
    invites.record, join_requests.approval, join_requests.created_at, join_requests.status, join_requests.reason,
    join_requests.expires_at, join_requests.lease_until
  FROM join_requests JOIN invites ON invites.id = join_requests.invite`;
const OPEN_OF_CHANNEL = `${PENDING}
  WHERE join_requests.channel = ? AND join_requests.status IN ('waiting', 'claimed') AND join_requests.expires_at > ?
  ORDER BY join_requests.created_at, join_requests.id LIMIT ?`;
const FREE = `(join_requests.status = 'waiting' OR (join_requests.status = 'claimed' AND join_requests.lease_until <= ?))`;
const FREE_AUTOMATIC = `${PENDING}
  WHERE join_requests.channel = ? AND join_requests.expires_at > ? AND ${FREE} AND join_requests.approval = 'automatic'
  ORDER BY join_requests.created_at, join_requests.id LIMIT ?`;
const FREE_BY_ID = `${PENDING}
  WHERE join_requests.channel = ? AND join_requests.expires_at > ? AND ${FREE} AND join_requests.id = ?`;
const ON_DESK = `
  SELECT join_requests.*, channels.name AS channel_name
  FROM join_requests JOIN channels ON channels.id = join_requests.channel WHERE join_requests.id = ?`;

/** The members' side of join requests. Only accounts that are in the channel; to others nothing is there. */
export class JoinDesk {
  readonly #context: Context;
  readonly #announcer: Announcer;

  constructor(context: Context, announcer: Announcer) {
    this.#context = context;
    this.#announcer = announcer;
  }

  /** The open requests of a channel, oldest first, at most 256. @throws {@link Refusal} 404 */
  async pending(account: string, channelName: string): Promise<readonly PendingJoin[]> {
    const { database, clock } = this.#context;
    const channel = await ownChannel(database, account, channelName);
    const now = clock.now();
    const rows = await database.all<PendingRow>(OPEN_OF_CHANNEL, channel.id, now, MAX_PENDING);
    return rows.map((row) => pendingJoin(row, statusAt(row, now)));
  }

  /** Takes free requests for {@link LEASE_MS}, so that not every member works on them. @throws {@link Refusal} 404 */
  async claim(account: string, { channel: name, limit, ids }: Claim): Promise<readonly PendingJoin[]> {
    const { database, clock } = this.#context;
    return database.transaction(async (sql) => {
      const channel = await ownChannel(sql, account, name);
      const now = clock.now();
      const rows: PendingRow[] = [];
      if (ids === undefined) rows.push(...(await sql.all<PendingRow>(FREE_AUTOMATIC, channel.id, now, now, limit)));
      for (const id of new Set(ids)) {
        if (rows.length < limit) rows.push(...(await sql.all<PendingRow>(FREE_BY_ID, channel.id, now, now, id)));
      }
      for (const { id } of rows) {
        await sql.run(`UPDATE join_requests SET status = 'claimed', lease_until = ? WHERE id = ?`, now + LEASE_MS, id);
        await sql.tell(joinTopic(id));
      }
      return rows.map((row) => pendingJoin(row, 'claimed'));
    });
  }

  /**
   * Notes that a member has added the joiner to the group, at `epoch`, with the commit at `seq`. That is a fact, so it is taken for
   * every request, whatever has become of it here meanwhile. Again: nothing changes.
   *
   * @throws {@link Refusal} 404
   */
  async admit(account: string, id: string, epoch: number, seq: number): Promise<void> {
    const { database, clock } = this.#context;
    await database.transaction(async (sql) => {
      const join = await this.#onDesk(sql, account, id);
      if (join.status === 'admitted') return;
      await sql.run(
        `UPDATE join_requests SET status = 'admitted', reason = NULL, lease_until = NULL, epoch = ?, seq = ? WHERE id = ?`,
        ...[epoch, seq, id],
      );
      await sql.run(
        `INSERT INTO invite_uses (invite, identity, account, is_admitted) VALUES (?, ?, ?, 1)
         ON CONFLICT (invite, identity) DO UPDATE SET is_admitted = 1`,
        ...[join.invite, join.identity, join.account],
      );
      await admitMember(sql, { ...join, nowMs: clock.now() });
      await sql.tell(joinTopic(id));
    });
  }

  /**
   * Refuses a request. Again: nothing changes.
   *
   * @throws {@link Refusal} 404; 409 `request_closed` if it has ended otherwise
   */
  async deny(account: string, id: string, reason: string): Promise<void> {
    await this.#context.database.transaction(async (sql) => {
      const join = await this.#onDesk(sql, account, id);
      if (join.status === 'denied') return;
      this.#checkOpen(join);
      await closeJoin(sql, join, 'denied', reason);
    });
  }

  /** Gives a claimed request back. @throws {@link Refusal} 404; 409 `request_closed` */
  async release(account: string, id: string): Promise<void> {
    const join = await this.#context.database.transaction(async (sql) => {
      const join = await this.#onDesk(sql, account, id);
      this.#checkOpen(join);
      await sql.run(`UPDATE join_requests SET status = 'waiting', lease_until = NULL WHERE id = ?`, id);
      await sql.tell(joinTopic(id));
      return join;
    });
    this.#announcer.announce(join.channel_name, 'join-requests');
  }

  async #onDesk(sql: Transaction, account: string, id: string): Promise<DeskRow> {
    const join = await sql.first<DeskRow>(ON_DESK, id);
    if (join === undefined || !(await isIn(sql, account, join.channel))) throw notFound();
    return join;
  }

  #checkOpen(join: DeskRow): void {
    const status = statusAt(join, this.#context.clock.now());
    if (!isOpen(status)) throw new Refusal(409, `the request is ${status}`, 'request_closed');
  }
}

/** Whether an account is in a channel. */
async function isIn(sql: Sql, account: string, channel: string): Promise<boolean> {
  const found = 'SELECT 1 AS found FROM channel_accounts WHERE channel = ? AND account = ?';
  return (await sql.first(found, channel, account)) !== undefined;
}

function pendingJoin(row: PendingRow, status: JoinStatus): PendingJoin {
  return {
    id: row.id,
    identity: row.identity,
    keyPackage: row.key_package,
    proof: row.proof,
    inviteId: row.invite,
    inviteRecord: row.record,
    approval: row.approval,
    createdAtMs: row.created_at,
    status,
  };
}
