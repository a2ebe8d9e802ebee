import { equalBytes } from '../../base/bytes.ts';
import type { PublishAnswer, RefusalReason, Submission } from '../../transport/index.ts';
import type { Access } from './log-engine.ts';
import { nextMonthStart } from './month.ts';

/** What is configurable about the rules of the log. */
export interface LogRules {
  /** How many epochs a message may lie behind the channel's and still be stored. */
  readonly staleEpochs: number;
  /** How many channels the log may hold. Those that retention has emptied count: their numbers go on. */
  readonly maxChannels: number;
}

/** The rules that hold if nothing is configured. */
export const DEFAULT_LOG_RULES: LogRules = { staleEpochs: 4, maxChannels: Number.MAX_SAFE_INTEGER };

/** What the rules need to know of a channel. */
export interface ChannelFacts {
  /** `undefined` before anything was stored. */
  readonly group: Uint8Array | undefined;
  readonly epoch: number;
}

/** What the rules need to know of the account on which something is to be stored. */
export interface PublisherFacts {
  readonly access: Access;
  /** Messages that it has stored in the month of `stampMs`. */
  readonly messages: number;
  /** Its quota; `undefined` for any number. */
  readonly messagesPerMonth: number | undefined;
}

/** What the rules need to know of the log at the moment of a submission. */
export interface LogFacts {
  readonly channel: ChannelFacts;
  /** Channels that the log holds. */
  readonly channels: number;
  /** Absent where the relay is open. */
  readonly publisher?: PublisherFacts | undefined;
  /** The engine's clock, Unix ms. */
  readonly nowMs: number;
  /** The stamp that the entry would get: `nowMs`, or the last stamp if the clock has gone back since. */
  readonly stampMs: number;
}

/** An answer that refuses. */
export type Refused = Extract<PublishAnswer, { kind: 'refused' }>;

/**
 * Why a submission may not enter the log now, or `undefined` if it may. Ids are not looked at: see {@link holdsForKnownId}.
 *
 * The order is part of the rules. A stranger is told `unauthorized` and nothing else, not even the epoch. Then comes what
 * the channel says, and last, of what could be stored, what there is no room for: a channel too many, a message too many.
 */
export function refusalOf(
  { channel, channels, publisher, nowMs, stampMs }: LogFacts,
  group: Uint8Array,
  submission: Submission,
  rules: LogRules,
): Refused | undefined {
  if (publisher?.access === 'stranger') {
    return refused('unauthorized', 'the account is no member of the channel', 0);
  }
  if (channel.group !== undefined && !equalBytes(channel.group, group)) {
    return refused('foreign-group', 'the channel belongs to another MLS group', channel.epoch);
  }
  const untimely = refusalByEpoch(channel.epoch, submission, rules);
  if (untimely !== undefined) return untimely;
  if (channel.group === undefined && channels >= rules.maxChannels) {
    return refused('limit', `the relay holds ${rules.maxChannels} channels, no more are allowed`, 0);
  }
  const quota = publisher?.messagesPerMonth;
  if (quota !== undefined && submission.kind === 'message' && (publisher?.messages ?? 0) >= quota) {
    const detail = `the account's ${quota} messages of this month are used up`;
    const retryAfterMs = Math.max(0, nextMonthStart(stampMs) - nowMs);
    return { ...refused('quota-exceeded', detail, channel.epoch), retryAfterMs };
  }
  return undefined;
}

/**
 * Whether a refusal also holds for a message id that is in the log. All others give way: the id is answered with its
 * sequence number even if the rules would refuse it now, because who asks again may not have got the first answer.
 */
export function holdsForKnownId({ reason }: Refused): boolean {
  return reason === 'unauthorized' || reason === 'foreign-group';
}

/** An answer that refuses. */
export function refused(reason: RefusalReason, detail: string, currentEpoch: number | bigint): Refused {
  return { kind: 'refused', reason, detail, currentEpoch: BigInt(currentEpoch) };
}

function refusalByEpoch(
  channelEpoch: number,
  { kind, epoch }: Submission,
  { staleEpochs }: LogRules,
): Refused | undefined {
  const current = BigInt(channelEpoch);
  if (epoch === current) return undefined; // nearly always
  if (epoch > current) {
    return refused('epoch-unknown', `the log has reached epoch ${current}, not ${epoch}`, current);
  }
  if (kind === 'commit') {
    return refused('epoch-decided', `epoch ${epoch} was ended by another commit`, current);
  }
  if (epoch < current - BigInt(staleEpochs)) {
    return refused('stale-epoch', `epoch ${epoch} lies too far behind epoch ${current}`, current);
  }
  return undefined;
}
