import { equalBytes } from '../../base/bytes.ts';
import type { PublishAnswer, RefusalReason, Submission } from '../../transport/index.ts';

/** What is configurable about the rules of the log. */
export interface LogRules {
  /** How many epochs a message may lie behind the channel's and still be stored. */
  readonly staleEpochs: number;
}

/** The rules that hold if nothing is configured. */
export const DEFAULT_LOG_RULES: LogRules = { staleEpochs: 4 };

/** What the rules need to know of a channel. */
export interface ChannelFacts {
  /** `undefined` before anything was stored. */
  readonly group: Uint8Array | undefined;
  readonly epoch: number;
}

/** An answer that refuses. */
export type Refused = Extract<PublishAnswer, { kind: 'refused' }>;

/**
 * Why a submission may not enter the log now, or `undefined` if it may. Ids are not looked at: an id that is in the log
 * is answered with its sequence number even if the rules would refuse it now, except under another group.
 */
export function refusalOf(
  channel: ChannelFacts,
  group: Uint8Array,
  { kind, epoch }: Submission,
  { staleEpochs }: LogRules,
): Refused | undefined {
  if (channel.group !== undefined && !equalBytes(channel.group, group)) {
    return refused('foreign-group', 'the channel belongs to another MLS group', channel.epoch);
  }
  const current = BigInt(channel.epoch);
  if (epoch > current) {
    return refused('epoch-unknown', `the log has reached epoch ${current}, not ${epoch}`, channel.epoch);
  }
  if (kind === 'commit') {
    if (epoch === current) return undefined;
    return refused('epoch-decided', `epoch ${epoch} was ended by another commit`, channel.epoch);
  }
  if (epoch < current - BigInt(staleEpochs)) {
    return refused('stale-epoch', `epoch ${epoch} lies too far behind epoch ${current}`, channel.epoch);
  }
  return undefined;
}

/** An answer that refuses. */
export function refused(reason: RefusalReason, detail: string, currentEpoch: number | bigint): Refused {
  return { kind: 'refused', reason, detail, currentEpoch: BigInt(currentEpoch) };
}
