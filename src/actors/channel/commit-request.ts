import type { AdmissionNote, ChannelRecord } from '../../mls/index.ts';
import type { CommitReceipt, GroupChange } from './channel-event.ts';
import type { Waiter } from './outbox-desk.ts';

/** A change of the group that somebody waits for. */
export interface CommitRequest {
  readonly change: GroupChange;
  readonly waiter: Waiter<CommitReceipt>;
  /** The only epoch in which it may be made; afterwards it is void. Default any. */
  readonly onlyInEpoch?: bigint;
  /** Whether it must not share a commit, because it could not before. */
  readonly isAlone?: boolean;
  /** What the commit tells the other members of those who join. */
  readonly notes?: readonly AdmissionNote[];
  /** Asked each time that the change is about to be staged; throws if it must not be made on this record. */
  readonly check?: (record: ChannelRecord) => void;
}
