import { randomUUID } from 'node:crypto';
import type { Changes } from '../changes.ts';
import type { Context } from '../context.ts';
import { notFound } from '../refusal.ts';
import type { Announcer } from '../relay/announcer.ts';
import { queueRemovals } from './removal-queue.ts';
import { cancelJoinsOf, revokeInvitesOf, revokeKeys } from './revoked-access.ts';
import { findRevocation, listRevocations, revocationTopic, runningRevocation } from './revocation-view.ts';
import type { RevocationReason, RevocationView } from './revocation-view.ts';

/** What is asked for. */
export interface NewRevocation {
  readonly identity: Uint8Array;
  readonly reason: RevocationReason;
  /** For members: who asks, and that it is them. Opaque here. */
  readonly requestedBy: Uint8Array;
  readonly signature: Uint8Array;
}

/** How long somebody waits for channels to remove an agent. */
export interface RevocationWait {
  /** The number of channels that is known to have removed it; without one the answer comes at once. */
  readonly since: number | undefined;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

const NEVER = new AbortController().signal;

/** Shuts agents out: their keys, their join requests, their place in channels. */
export class Revocations {
  readonly #context: Context;
  readonly #announcer: Announcer;
  readonly #changes: Changes;
  readonly #onRevoked: () => void;

  /** @param onRevoked called when keys were revoked, so that relays hear of it */
  constructor(context: Context, announcer: Announcer, changes: Changes, onRevoked: () => void) {
    this.#context = context;
    this.#announcer = announcer;
    this.#changes = changes;
    this.#onRevoked = onRevoked;
  }

  /**
   * Revokes an agent: its keys end now, and its join requests; members of its channels are asked to remove it. Again while that is
   * under way: the same revocation, with what has come up since.
   */
  async create(account: string, asked: NewRevocation): Promise<RevocationView> {
    const { database, clock } = this.#context;
    const now = clock.now();
    const { id, channels } = await database.transaction(async (sql) => {
      const keys = await revokeKeys(sql, account, asked.identity, now);
      const invites = await revokeInvitesOf(sql, keys.revokedIds, now);
      await cancelJoinsOf(sql, account, asked.identity);
      const id = (await runningRevocation(sql, account, asked.identity)) ?? randomUUID();
      await sql.run(
        `INSERT INTO revocations (id, account, identity, reason, keys_revoked, keys_shared, invites_revoked, created_at)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?)
         ON CONFLICT (id) DO UPDATE SET keys_revoked = revocations.keys_revoked + excluded.keys_revoked,
           keys_shared = excluded.keys_shared, invites_revoked = revocations.invites_revoked + excluded.invites_revoked`,
        ...[id, account, asked.identity, asked.reason, keys.revokedIds.length, JSON.stringify(keys.sharedIds)],
        ...[invites, now],
      );
      return { id, channels: await queueRemovals(sql, { ...asked, account, revocation: id, nowMs: now }) };
    });
    this.#onRevoked();
    for (const channel of channels) this.#announcer.announce(channel, 'removals');
    return this.get(account, id, { since: undefined, timeoutMs: 0, signal: NEVER });
  }

  /** Newest first, at most 256. */
  list(account: string): Promise<readonly RevocationView[]> {
    return listRevocations(this.#context.database, account);
  }

  /** How far it is; waits for another number of removed channels than `since`. @throws {@link Refusal} 404 */
  get(account: string, id: string, wait: RevocationWait): Promise<RevocationView> {
    const { database } = this.#context;
    return this.#changes.news({
      account,
      topic: revocationTopic(id),
      timeoutMs: wait.since === undefined ? 0 : wait.timeoutMs,
      signal: wait.signal,
      read: async () => {
        const view = await findRevocation(database, account, id);
        if (view === undefined) throw notFound();
        return view;
      },
      isNews: ({ channels }) => channels.filter(({ status }) => status === 'removed').length !== wait.since,
    });
  }
}
