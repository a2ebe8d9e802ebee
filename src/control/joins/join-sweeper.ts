import type { Context } from '../context.ts';
import type { Announcer } from '../relay/announcer.ts';
import { closeJoin } from './join-closing.ts';
import type { OpenJoin } from './join-closing.ts';
import { joinTopic } from './join-status.ts';

/** Requests and invites that are over are forgotten after this. */
const KEPT_MS = 7 * 24 * 60 * 60 * 1000;

const IS_DUE = `
  SELECT 1 AS due FROM join_requests
  WHERE (status IN ('waiting', 'claimed') AND expires_at <= ?) OR (status = 'claimed' AND lease_until <= ?) LIMIT 1`;
const LAPSED = `
  UPDATE join_requests SET status = 'waiting', lease_until = NULL WHERE status = 'claimed' AND lease_until <= ?
  RETURNING id, (SELECT name FROM channels WHERE channels.id = join_requests.channel) AS channel_name`;

/** Ends requests whose time is over, and puts back those that a member has claimed and not decided on. */
export async function sweepJoins({ database, clock }: Context, announcer: Announcer): Promise<void> {
  const now = clock.now();
  if ((await database.first(IS_DUE, now, now)) === undefined) return;
  const channels = await database.transaction(async (sql) => {
    const expired = await sql.all<OpenJoin>(
      `SELECT id, invite, identity FROM join_requests WHERE status IN ('waiting', 'claimed') AND expires_at <= ?`,
      now,
    );
    for (const join of expired) await closeJoin(sql, join, 'expired');
    const lapsed = await sql.all<{ id: string; channel_name: string }>(LAPSED, now);
    for (const { id } of lapsed) await sql.tell(joinTopic(id));
    return new Set(lapsed.map(({ channel_name }) => channel_name));
  });
  for (const channel of channels) announcer.announce(channel, 'join-requests');
}

/** Forgets requests and invites that have been over for a week. */
export async function forgetJoins({ database, clock }: Context): Promise<void> {
  const before = clock.now() - KEPT_MS;
  await database.transaction(async (sql) => {
    await sql.run(`DELETE FROM join_requests WHERE expires_at < ? AND status NOT IN ('waiting', 'claimed')`, before);
    const old = `(SELECT id FROM invites WHERE expires_at < ?
      AND NOT EXISTS (SELECT 1 FROM join_requests WHERE join_requests.invite = invites.id))`;
    await sql.run(`DELETE FROM invite_uses WHERE invite IN ${old}`, before);
    await sql.run(`DELETE FROM invites WHERE id IN ${old}`, before);
  });
}
