import type { Observable } from 'rxjs';
import type { ChannelName } from '../../base/channel-name.ts';
import type { NoticeTopic, PublishAnswer, Submission } from '../../transport/index.ts';
import type { AccountId } from '../access/principal.ts';
import type { EntryRun } from './entry-run.ts';

/** Submissions for one channel, to be stored in this order. The caller has checked sizes and lengths. */
export interface AppendRequest {
  readonly channel: ChannelName;
  /** 16 bytes that name the MLS group. */
  readonly group: Uint8Array;
  readonly submissions: readonly Submission[];
  /** On whose account it is stored; absent where the relay is open: then nobody is a member, and nothing is counted. */
  readonly by?: Publisher;
}

/** An account that stores something. */
export interface Publisher {
  readonly account: AccountId;
  /** What it may store in the calendar month (UTC) of the engine's clock; `undefined` for any number. */
  readonly messagesPerMonth: number | undefined;
}

/** What became of an append. */
export interface AppendOutcome {
  /** One per submission, in order. */
  readonly answers: readonly PublishAnswer[];
  /** The account's use of its month after this append; absent without an account, and where the log could not be asked. */
  readonly usage?: Usage;
}

/** What an account has stored in a calendar month, UTC. */
export interface Usage {
  /** First day of the month, Unix ms. */
  readonly monthStartMs: number;
  readonly messages: number;
}

/** An account's relation to a channel. A channel is `unclaimed` until something is stored in it on an account. */
export type Access = 'member' | 'stranger' | 'unclaimed';

/** An account came to a channel, or was taken from it. */
export interface AccessChange {
  readonly kind: 'admitted' | 'expelled';
  readonly channel: ChannelName;
  readonly account: AccountId;
}

/** What relays over one log tell each other beside it. */
export type Announcement =
  /** There is something new for the members of a channel. */
  | { readonly kind: 'notice'; readonly channel: ChannelName; readonly topic: NoticeTopic }
  /** Tokens that were made for an API key are not taken any more until then (Unix ms). */
  | { readonly kind: 'withdrawn'; readonly keyId: string; readonly untilMs: number };

/** What becomes of what the engine acknowledges: gone with the process, safe on one disk, safe on several machines. */
export type Durability = 'process' | 'disk' | 'replicated';

/** How an engine is. */
export interface EngineHealth {
  readonly engine: 'memory' | 'sqlite' | 'nats';
  /** `degraded`: it serves, but an operator should look. `failing`: appends are `unavailable` just now. */
  readonly status: 'ok' | 'degraded' | 'failing';
  readonly durability: Durability;
  /** Why it is not `ok`, and what weakens its durability, for people. No secrets. */
  readonly warnings: readonly string[];
  /** Facts for an operator: versions, replicas, sizes. */
  readonly details: Readonly<Record<string, string | number>>;
}

/** What became part of a channel's log in one step. */
export interface Appended {
  readonly channel: ChannelName;
  /** The MLS group that the channel is bound to. */
  readonly group: Uint8Array;
  readonly run: EntryRun;
  /** Key packages (RFC 9420 §5.2) for which a Welcome was stored in the same step. */
  readonly welcomeRefs: readonly Uint8Array[];
}

/** A stretch of a channel's log. */
export interface LogPage {
  /** Entries behind the cursor, or behind the gap; `undefined` if there are none. */
  readonly run: EntryRun | undefined;
  /** Set when retention took entries behind the cursor: what is left starts at this sequence number. */
  readonly resumesAtSeq: number | undefined;
  /** The last sequence number given out in this channel, 0 before the first. */
  readonly headSeq: number;
  /** Who needs the run's bytes no more may say so, and may not look at them again: they become another page. */
  readonly release?: () => void;
}

/** How much a page may hold. One entry is returned even if it is larger than `bytes`. */
export interface PageLimit {
  readonly entries: number;
  readonly bytes: number;
}

/** Where a channel stands. */
export interface ChannelState {
  readonly group: Uint8Array;
  readonly headSeq: number;
  /** One more than the epoch of the last commit in the log, 0 before the first. */
  readonly epoch: bigint;
}

/** A Welcome (RFC 9420 §12.4.3.1) whose commit won. */
export interface StoredWelcome {
  readonly channel: ChannelName;
  readonly commitSeq: number;
  readonly payload: Uint8Array;
}

/**
 * The log of all channels, and all of its rules. Every engine keeps these, and passes one conformance suite:
 *
 * - One order per channel: sequence numbers rise, each entry names its predecessor, a number is never given twice.
 * - A message id that is in the log is answered with the sequence number it has, also after a restart.
 * - A commit is stored if and only if it ends the channel's current epoch; the first in log order wins
 *   (`epoch-decided`, `epoch-unknown`). A message of a future epoch is `epoch-unknown`, one too far back `stale-epoch`.
 * - The first stored submission binds the channel to its group (`foreign-group`).
 * - The first submission that is stored on an account makes it the first member of the channel. A submission on an account
 *   that is no member is `unauthorized`, and tells it nothing else: not the epoch, not whether the id is known. A channel that
 *   was claimed stays claimed when its last member was expelled. Without an account all may be done: the relay is open.
 * - A new channel beyond the engine's `maxChannels` is refused with `limit`.
 * - A message is counted for its account in the step that stores it, once; beyond the account's quota it is
 *   `quota-exceeded`, each submission by itself, until the month of the last stamp is over: a clock that goes back does not
 *   open an older month again. Commits are neither counted nor refused: who has no quota left may still remove a member.
 * - An id that is in the log is answered with its number also where epoch, quota or `limit` would refuse it now.
 * - Welcomes are stored in the step that stores their commit, or not at all.
 * - What is acknowledged is durable. What cannot be written is answered `unavailable`, and nothing of it is stored, nor of what was
 *   submitted to the same channel before that answer came: it will come again, and is not to be overtaken.
 *
 * All but `append`, `health` and `close` reject with a {@link RuntimeError}: `store_error` if the store
 * cannot be used, `store_damaged` if it holds something else than was written.
 */
export interface LogEngine {
  /**
   * What is appended, in log order per channel, once it is durable. Hot, no replay, delivered synchronously; completes
   * when the engine is closed, errors when the engine has failed for good.
   *
   * The bytes of a run hold only until the subscriber returns, because their buffer is used again: who keeps them copies.
   */
  readonly appended$: Observable<Appended>;
  /** Who may use which channel, as it changes. Hot, no replay; completes and errors with {@link LogEngine.appended$}. */
  readonly accessChanges$: Observable<AccessChange>;
  /**
   * What was announced, here or on another relay over the same log. Hot, no replay; completes and errors with
   * {@link LogEngine.appended$}.
   */
  readonly announcements$: Observable<Announcement>;
  /** Stores what the rules allow. Never rejects. */
  append(request: AppendRequest): Promise<AppendOutcome>;
  /** Entries of a channel behind `afterSeq`, oldest first. */
  read(channel: ChannelName, afterSeq: number, limit: PageLimit): Promise<LogPage>;
  /** Where the channel stands; `undefined` before anything was stored. */
  state(channel: ChannelName): Promise<ChannelState | undefined>;
  /** Sequence number of the commit that ended `epoch`, also when retention has taken the commit itself. */
  commitSeq(channel: ChannelName, epoch: bigint): Promise<number | undefined>;
  /**
   * The latest Welcome for a key package. Handing it to an account admits the account to its channel, in the same step; where
   * the channel is unclaimed, from when it is claimed on. Once for each Welcome: an account that was expelled does not come
   * back by asking again. A key package whose Welcome was handed to one account is `taken` for every other.
   */
  welcome(keyPackageRef: Uint8Array, account?: AccountId): Promise<StoredWelcome | 'taken' | undefined>;
  /** How an account stands to a channel. */
  access(channel: ChannelName, account: AccountId): Promise<Access>;
  /** Makes an account a member of a channel that is claimed; `false` if the channel is not. Idempotent. */
  admit(channel: ChannelName, account: AccountId): Promise<boolean>;
  /** Takes an account from a channel; `false` if it was no member. */
  expel(channel: ChannelName, account: AccountId): Promise<boolean>;
  /** What an account has stored in the month that begins at `monthStartMs`. */
  usage(account: AccountId, monthStartMs: number): Promise<Usage>;
  /**
   * Tells all relays over this log: this one before it returns, others soon. Nothing of it is kept, and what is announced
   * while a relay cannot be reached is lost to it. Without effect once the engine is closed.
   */
  announce(announcement: Announcement): void;
  /** Never rejects. */
  health(): Promise<EngineHealth>;
  /** Deletes the channel's entries up to and including `upToSeq`; resolves to how many. */
  trim(channel: ChannelName, upToSeq: number): Promise<number>;
  /** Deletes the entries and Welcomes of all channels that were stored before a time (Unix ms); resolves to how many entries. */
  trimStoredBefore(timeMs: number): Promise<number>;
  /** Answers what was submitted, then lets go of the store. Idempotent. */
  close(): Promise<void>;
}
