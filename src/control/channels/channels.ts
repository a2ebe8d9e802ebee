import { randomUUID } from 'node:crypto';
import type { ChannelName } from '../../base/channel-name.ts';
import type { Context } from '../context.ts';
import type { Sql } from '../database/database.ts';
import { notFound, Refusal } from '../refusal.ts';

/** A channel as the API shows it. */
export interface ChannelView {
  readonly id: string;
  readonly name: string;
  readonly member_count: number;
  readonly created_at: string;
  /** Always `null`: messages go through relays, and this server is not told of them one by one. */
  readonly last_message_at: string | null;
}

/** A channel that an account is in. */
export interface JoinedChannel {
  readonly id: string;
  readonly name: string;
  readonly owner: string;
}

interface ChannelRow extends JoinedChannel {
  readonly created_at: number;
  readonly members: number;
}

/** Members are the identities that are known, and accounts that have told of none. */
const VIEW = `
  SELECT channels.id, channels.name, channels.owner, channels.created_at,
    (SELECT COUNT(*) FROM channel_identities WHERE channel_identities.channel = channels.id)
    + (SELECT COUNT(*) FROM channel_accounts AS silent WHERE silent.channel = channels.id AND NOT EXISTS (
        SELECT 1 FROM channel_identities WHERE channel_identities.channel = channels.id
          AND channel_identities.account = silent.account)) AS members
  FROM channels JOIN channel_accounts ON channel_accounts.channel = channels.id
  WHERE channel_accounts.account = ?`;
const ALL = `${VIEW} ORDER BY channels.name`;
const BY_ID = `${VIEW} AND channels.id = ?`;
const JOINED = `
  SELECT channels.id, channels.name, channels.owner
  FROM channels JOIN channel_accounts ON channel_accounts.channel = channels.id
  WHERE channels.name = ? AND channel_accounts.account = ?`;

const INSERT_IDENTITY = 'INSERT INTO channel_identities (channel, identity, account, joined_at) VALUES (?, ?, ?, ?)';

/** Which channels there are, and which accounts are in them. Names only: groups and keys are the agents'. */
export class Channels {
  readonly #context: Context;

  constructor(context: Context) {
    this.#context = context;
  }

  /**
   * Registers a channel for an account, or finds it again.
   *
   * @param identity of the agent that makes it
   * @throws {@link Refusal} 409 `channel_taken` if it is another account's; 429 `too_many_channels`
   */
  async create(account: string, name: ChannelName, identity: Uint8Array | undefined): Promise<ChannelView> {
    const { database, clock, limits } = this.#context;
    const now = clock.now();
    const id = await database.transaction(async (sql) => {
      const channel = await sql.first<{ id: string }>('SELECT id FROM channels WHERE name = ?', name);
      if (channel !== undefined && (await joinedChannel(sql, account, name)) === undefined) {
        throw new Refusal(409, 'this channel is registered by another account', 'channel_taken');
      }
      const row = await sql.first<{ count: number }>('SELECT COUNT(*) AS count FROM channels WHERE owner = ?', account);
      if (channel === undefined && (row?.count ?? 0) >= limits.maxChannels) {
        throw new Refusal(429, `an account owns at most ${limits.maxChannels} channels`, 'too_many_channels');
      }
      const id = channel?.id ?? randomUUID();
      if (channel === undefined) {
        const insert = 'INSERT INTO channels (id, name, owner, created_at) VALUES (?, ?, ?, ?)';
        await sql.run(insert, ...[id, name, account, now]);
      }
      await addMember(sql, { channel: id, account, identity, nowMs: now });
      return id;
    });
    return this.get(account, id);
  }

  /** Those that the account is in, by name. */
  async list(account: string): Promise<readonly ChannelView[]> {
    return (await this.#context.database.all<ChannelRow>(ALL, account)).map(viewOf);
  }

  /** @throws {@link Refusal} 404 if the account is not in it */
  async get(account: string, id: string): Promise<ChannelView> {
    const row = await this.#context.database.first<ChannelRow>(BY_ID, account, id);
    if (row === undefined) throw notFound();
    return viewOf(row);
  }
}

/** The channel of this name, if the account is in it. */
export async function joinedChannel(sql: Sql, account: string, name: string): Promise<JoinedChannel | undefined> {
  return sql.first<JoinedChannel>(JOINED, name, account);
}

/** The channel of this name. @throws {@link Refusal} 404 if the account is not in it */
export async function ownChannel(sql: Sql, account: string, name: string): Promise<JoinedChannel> {
  const channel = await joinedChannel(sql, account, name);
  if (channel === undefined) throw notFound();
  return channel;
}

/** Somebody who is in a channel from now on. */
export interface NewMember {
  readonly channel: string;
  readonly account: string;
  readonly identity: Uint8Array | undefined;
  readonly nowMs: number;
}

/** Notes that an account, and an agent of it, are in a channel. Again: nothing changes. */
export async function addMember(sql: Sql, { channel, account, identity, nowMs }: NewMember): Promise<void> {
  await sql.run(
    'INSERT INTO channel_accounts (channel, account, joined_at) VALUES (?, ?, ?) ON CONFLICT DO NOTHING',
    ...[channel, account, nowMs],
  );
  if (identity === undefined) return;
  await sql.run(`${INSERT_IDENTITY} ON CONFLICT DO NOTHING`, ...[channel, identity, account, nowMs]);
}

/** The same for an agent that members have let in: from now on it is this account's, whosever it was before. */
export async function admitMember(sql: Sql, member: NewMember & { readonly identity: Uint8Array }): Promise<void> {
  await addMember(sql, { ...member, identity: undefined });
  await sql.run(
    `${INSERT_IDENTITY} ON CONFLICT (channel, identity) DO UPDATE SET account = excluded.account`,
    ...[member.channel, member.identity, member.account, member.nowMs],
  );
}

function viewOf(row: ChannelRow): ChannelView {
  return {
    id: row.id,
    name: row.name,
    member_count: row.members,
    created_at: new Date(row.created_at).toISOString(),
    last_message_at: null,
  };
}
