import { crc32 } from 'node:zlib';
import type { ChannelName } from '../../../base/channel-name.ts';
import type { AccountId } from '../../access/principal.ts';

/**
 * A channel's records by what they are for: `messages`, `commits` (a record with at least one), `pieces` (Welcomes that did not
 * fit), `members` (who may use it) and `trims`. All lie in one stream and have one order.
 */
export type RecordSubject = 'messages' | 'commits' | 'pieces' | 'members' | 'trims';

const SUFFIX: Readonly<Record<RecordSubject, string>> = {
  messages: 'm',
  commits: 'c',
  pieces: 'w',
  members: 'a',
  trims: 't',
};

/** The names of a log's streams and subjects. */
export class SubjectNames {
  readonly #name: string;
  readonly #shards: number;

  constructor(name: string, shards: number) {
    this.#name = name;
    this.#shards = shards;
  }

  /** The stream of facts about the log as a whole: its layout, and the shards' snapshots. */
  get facts(): string {
    return `${this.#name}-facts`;
  }

  /** The stream of the accounts' quotas. */
  get quotas(): string {
    return `${this.#name}-quotas`;
  }

  /** The stream of a shard. */
  shard(shard: number): string {
    return `${this.#name}-log-${shard}`;
  }

  /** All subjects of a shard. */
  shardSubjects(shard: number): string {
    return `${this.#name}.log.${shard}.>`;
  }

  get factSubjects(): string {
    return `${this.#name}.facts.>`;
  }

  get quotaSubjects(): string {
    return `${this.#name}.quotas.>`;
  }

  /** What relays tell each other, in no stream: it is not kept. */
  get announcements(): string {
    return `${this.#name}.announcements`;
  }

  /** A snapshot's pieces. */
  snapshotPieces(shard: number): string {
    return `${this.#name}.facts.${shard}.piece`;
  }

  /** Where a shard's snapshots say that they are whole. */
  snapshotHeads(shard: number): string {
    return `${this.#name}.facts.${shard}.head`;
  }

  /** The shard in which a channel is. */
  shardOf(channel: ChannelName): number {
    return crc32(channel) % this.#shards;
  }

  /** The subject of a channel's records. */
  record(channel: ChannelName, kind: RecordSubject): string {
    // Names are made of lower-case letters, digits, `-` and `/` alone, so that this is one token and two never meet.
    return `${this.#name}.log.${this.shardOf(channel)}.${channel.replaceAll('/', '_')}.${SUFFIX[kind]}`;
  }

  /** The subject of what concerns a shard as a whole. */
  shardRecord(shard: number): string {
    return `${this.#name}.log.${shard}.t`;
  }

  /** The subject of an account's quota of a month. */
  quota(account: AccountId, monthStartMs: number): string {
    // An account's name may hold dots, stars and blanks; in base64url it is one token.
    return `${this.#name}.quotas.${Buffer.from(account, 'utf8').toString('base64url')}.${monthStartMs}`;
  }
}
