import type { ChannelName } from '../../base/channel-name.ts';
import type { Clock } from '../../base/clock.ts';
import type { PublishAnswer, Quota, RefusalReason, Submission } from '../relay-transport.ts';

/** Who calls a memory relay. */
export interface MemoryCaller {
  /** On whose account; `undefined` for a client that does not say. */
  readonly account: string | undefined;
  /** What stands for the client where it has no account, and for its present connection. */
  readonly client: object;
  readonly connection: object;
}

/** What a {@link MemoryDoor} goes by. */
export interface MemoryDoorOptions {
  readonly clock: Pick<Clock, 'now'>;
  /** Messages in a calendar month for each account, or for each client without one. */
  readonly messagesPerMonth: number | undefined;
}

/**
 * What stands in front of the logs of a memory relay: whose channel it is, how much somebody may still say, how fast. A model
 * of the relay's rules to test against.
 */
export class MemoryDoor {
  readonly #options: MemoryDoorOptions;
  readonly #members = new Map<ChannelName, Set<string>>();
  readonly #published = new Map<object | string, number>();
  /** By connection and channel: the round in which a message was refused. */
  readonly #refusedRounds = new WeakMap<object, Map<ChannelName, number>>();
  #limited = { messages: 0, retryAfterMs: 0 };

  constructor(options: MemoryDoorOptions) {
    this.#options = options;
  }

  /** Lets in whoever may come in there. */
  admitAsIn(other: MemoryDoor): void {
    for (const [channel, members] of other.#members) this.#members.set(channel, new Set(members));
  }

  /** The next so many messages come too fast. */
  limitRate(messages: number, retryAfterMs: number): void {
    this.#limited = { messages, retryAfterMs };
  }

  /** Whether a channel is open to an account. It is, to everybody, until somebody has created it on an account. */
  isOpenTo(channel: ChannelName, account: string | undefined): boolean {
    const members = this.#members.get(channel);
    return account === undefined || members === undefined || members.has(account);
  }

  admit(channel: ChannelName, account: string | undefined): void {
    if (account === undefined) return;
    const members = this.#members.get(channel) ?? new Set();
    this.#members.set(channel, members.add(account));
  }

  expel(channel: ChannelName, account: string): void {
    this.#members.get(channel)?.delete(account);
  }

  /** Why a submission does not get as far as the log, if it does not. */
  refuse(caller: MemoryCaller, channel: ChannelName, submission: Submission, round: number): PublishAnswer | undefined {
    if (!this.isOpenTo(channel, caller.account)) return refused('unauthorized');
    if (submission.kind === 'commit') return undefined;
    if (this.#isTooFast(caller.connection, channel, round)) {
      return refused('rate-limited', this.#limited.retryAfterMs);
    }
    const quota = this.quota(caller);
    if (quota?.remaining !== 0) return undefined;
    return refused('quota-exceeded', quota.resetsAtMs - this.#options.clock.now());
  }

  /** A submission was stored, not for the second time. Its sender is in, and has one message less. */
  stored(caller: MemoryCaller, channel: ChannelName, { kind }: Submission): void {
    this.admit(channel, caller.account);
    if (kind === 'message') this.#published.set(payerOf(caller), this.#publishedBy(caller) + 1);
  }

  /** What is left; `undefined` where nothing is counted. */
  quota(caller: MemoryCaller): Quota | undefined {
    const { messagesPerMonth, clock } = this.#options;
    if (messagesPerMonth === undefined) return undefined;
    const now = new Date(clock.now());
    return {
      limit: messagesPerMonth,
      remaining: Math.max(0, messagesPerMonth - this.#publishedBy(caller)),
      resetsAtMs: Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + 1),
    };
  }

  #publishedBy(caller: MemoryCaller): number {
    return this.#published.get(payerOf(caller)) ?? 0;
  }

  #isTooFast(connection: object, channel: ChannelName, round: number): boolean {
    const rounds = this.#refusedRounds.get(connection) ?? new Map<ChannelName, number>();
    this.#refusedRounds.set(connection, rounds);
    // 0 is the round of a client that does not count them.
    if (round > 0 && round <= (rounds.get(channel) ?? 0)) return true;
    if (this.#limited.messages === 0) return false;
    this.#limited = { ...this.#limited, messages: this.#limited.messages - 1 };
    rounds.set(channel, round);
    return true;
  }
}

function payerOf({ account, client }: MemoryCaller): object | string {
  return account ?? client;
}

function refused(reason: RefusalReason, retryAfterMs?: number): PublishAnswer {
  const refusal = { kind: 'refused', reason, detail: '', currentEpoch: 0n } as const;
  return retryAfterMs === undefined ? refusal : { ...refusal, retryAfterMs };
}
