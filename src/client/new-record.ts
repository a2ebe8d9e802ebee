import { randomBytes } from 'node:crypto';
import type { ChannelName } from '../base/channel-name.ts';
import {
  type ChannelRecord,
  type Cursor,
  type Group,
  groupMembers,
  newLeaves,
  NO_ADMISSIONS,
  NO_PINS,
  pinMembers,
  resumedAdmissions,
} from '../mls/index.ts';

/** A channel from here on. What was to be sent and what was not acknowledged does not end with an `old` membership. */
export function newRecord(
  name: ChannelName,
  group: Group,
  cursor: Cursor,
  nowMs: number,
  old?: ChannelRecord,
): ChannelRecord {
  return {
    name,
    group,
    idKey: old?.idKey ?? new Uint8Array(randomBytes(32)),
    cursor,
    outbox: old?.outbox ?? [],
    journal: old?.journal ?? [],
    pendingCommit: undefined,
    commitSpentInEpoch: undefined,
    pins: pinMembers(old?.pins ?? NO_PINS, groupMembers(group)).pins,
    admissions: resumedAdmissions(old?.admissions ?? NO_ADMISSIONS, nowMs, newLeaves(group)),
  };
}
