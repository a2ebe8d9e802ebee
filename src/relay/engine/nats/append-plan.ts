import { toHex } from '../../../base/bytes.ts';
import type { ChannelName } from '../../../base/channel-name.ts';
import type { AccountId } from '../../access/principal.ts';
import type { PublishAnswer, Submission } from '../../../transport/index.ts';
import type { Publisher } from '../log-engine.ts';
import { holdsForKnownId, refusalOf } from '../log-rules.ts';
import type { LogRules, Refused } from '../log-rules.ts';
import type { ShardFold } from './shard-fold.ts';

/** A submission that waits for its answer. */
export interface Item {
  readonly group: Uint8Array;
  readonly by: Publisher | undefined;
  readonly submission: Submission;
  /** Where its Welcomes are, once they were stored in pieces. */
  pieces?: readonly (readonly number[])[];
  /** How often it was stored later than its place in the quota held. */
  expiries: number;
  /** @param count what its account had stored by then in this shard, where the fold has said so */
  readonly answer: (answer: PublishAnswer, count?: number) => void;
}

/** What an item is in the record that is to be written: stored if it may be, or only judged. */
export interface PlannedItem {
  readonly item: Item;
  readonly isStub: boolean;
  /** The channel's epoch when it is its turn, if all goes as planned. */
  readonly epoch: number;
}

/** What is to be done with items, by what the channel is now. */
export interface AppendPlan {
  readonly planned: readonly PlannedItem[];
  readonly answered: readonly { readonly item: Item; readonly answer: PublishAnswer }[];
  /** Set if a refusal may come from not having read far enough. */
  readonly isUncertain: boolean;
}

/** What the plan needs to know beside the shard. */
export interface PlanContext {
  readonly channels: number;
  readonly rules: LogRules;
  readonly nowMs: number;
  readonly stampMs: number;
  readonly maxPayloadBytes: number;
}

/**
 * Judges items as the fold will if nothing comes in between, so that what has no chance is not written. What is refused by
 * the log as it was read is answered. What would be refused only because of items in front of it goes into the record without its
 * payload: the fold is asked, since nobody is told of a loss before the winner was read.
 */
export function planAppend(
  fold: ShardFold,
  name: ChannelName,
  items: readonly Item[],
  { channels, rules, nowMs, stampMs, maxPayloadBytes }: PlanContext,
): AppendPlan {
  const channel = fold.channels.get(name);
  let group = channel?.group;
  let epoch = channel?.epoch ?? 0;
  let claimedBy: AccountId | undefined;
  const ids = new Set<string>();
  const planned: PlannedItem[] = [];
  const answered: { item: Item; answer: PublishAnswer }[] = [];
  let isUncertain = false;

  for (const item of items) {
    const { by, submission } = item;
    const access = (account: AccountId): 'member' | 'stranger' | 'unclaimed' => {
      const before = channel?.accessOf(account) ?? 'unclaimed';
      if (before !== 'unclaimed' || claimedBy === undefined) return before;
      return claimedBy === account || channel?.members.has(account) === true ? 'member' : 'stranger';
    };
    const publisher =
      by === undefined ? undefined : { access: access(by.account), messages: 0, messagesPerMonth: undefined };
    const facts = { channel: { group, epoch }, channels, publisher, nowMs, stampMs };
    const refusal = refusalOf(facts, item.group, submission, rules);
    const known = fold.seqOf(name, submission.messageId);
    if (known !== undefined && (refusal === undefined || !holdsForKnownId(refusal))) {
      answered.push({ item, answer: { kind: 'accepted', seq: known, duplicate: true } });
    } else if (refusal !== undefined || ids.has(toHex(submission.messageId))) {
      if (ids.size > 0) planned.push({ item, isStub: true, epoch });
      else if (refusal !== undefined) {
        answered.push({ item, answer: refusal });
        isUncertain ||= mayChange(refusal);
      }
    } else if (bytesAlone(submission) > maxPayloadBytes) {
      const detail = `it has ${bytesAlone(submission)} bytes, nats-server takes ${maxPayloadBytes}`;
      answered.push({ item, answer: { kind: 'refused', reason: 'too-large', detail, currentEpoch: BigInt(epoch) } });
    } else {
      planned.push({ item, isStub: false, epoch });
      ids.add(toHex(submission.messageId));
      group ??= item.group;
      if (by !== undefined && channel?.isClaimed !== true) claimedBy ??= by.account;
      if (submission.kind === 'commit') epoch += 1;
    }
  }
  return { planned, answered, isUncertain };
}

/** What cannot be stored apart from the rest. */
function bytesAlone({ payload, welcomes = [] }: Submission): number {
  let bytes = payload.length;
  for (const { keyPackageRefs } of welcomes) for (const ref of keyPackageRefs) bytes += ref.length + 2;
  return bytes;
}

/** Whether a refusal can be cured by reading further. That an epoch is over, or whose channel it is, never changes. */
function mayChange({ reason }: Refused): boolean {
  return reason === 'epoch-unknown' || reason === 'unauthorized' || reason === 'limit';
}
