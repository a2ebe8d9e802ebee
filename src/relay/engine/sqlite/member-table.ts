import type { AccountId } from '../../access/principal.ts';
import type { Access } from '../log-engine.ts';
import type { Channel } from './channel-table.ts';
import type { LogStatements } from './log-statements.ts';

/** Memberships that are remembered; beyond that all are forgotten and read again. */
const MAX_CACHED_MEMBERS = 100_000;

/** Which account is a member of which channel. */
export class MemberTable {
  readonly #sql: LogStatements;
  /** Members that are known to be, by the channel's number. Others may be, too. */
  readonly #cache = new Map<number, Set<AccountId>>();
  #cached = 0;

  constructor(sql: LogStatements) {
    this.#sql = sql;
  }

  access(channel: Channel, account: AccountId): Access {
    if (!channel.isClaimed) return 'unclaimed';
    if (this.#cache.get(channel.id)?.has(account) === true) return 'member';
    if (this.#sql.selectMember.first([channel.id, account]) === undefined) return 'stranger';
    this.#remember(channel.id, account);
    return 'member';
  }

  /** Makes an account a member, in a transaction; `false` if it was one. The caller saves the channel. */
  add(channel: Channel, account: AccountId): boolean {
    if (this.#sql.insertMember.run([channel.id, account]) === 0) return false;
    channel.accessChanges += 1;
    return true;
  }

  /** Takes an account from a channel, in a transaction; `false` if it was no member. The caller saves the channel. */
  remove(channel: Channel, account: AccountId): boolean {
    if (this.#sql.deleteMember.run([channel.id, account]) === 0) return false;
    if (this.#cache.get(channel.id)?.delete(account) === true) this.#cached -= 1;
    channel.accessChanges += 1;
    return true;
  }

  /** Forgets what is remembered: a transaction was rolled back. */
  forget(): void {
    this.#cache.clear();
    this.#cached = 0;
  }

  #remember(channel: number, account: AccountId): void {
    if (this.#cached >= MAX_CACHED_MEMBERS) this.forget();
    const members = this.#cache.get(channel) ?? new Set();
    this.#cache.set(channel, members.add(account));
    this.#cached += 1;
  }
}
