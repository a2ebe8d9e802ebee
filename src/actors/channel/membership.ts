import { toHex } from '../../base/bytes.ts';
import type { ChannelMember, EpochChange } from './channel-event.ts';
import type { Arrival } from './exchange-event.ts';

/**
 * What has become of one member.
 *
 * - `left`: removed, by itself or by another member. It reads nothing from this epoch on.
 * - `joined`: it reads from this epoch on.
 * - `rejoined`: it was a member and has a fresh leaf, after it had lost its keys for example. What was sent in between it may
 *   have missed.
 */
export interface MembershipChange extends Omit<Arrival, 'sender'> {
  readonly change: 'left' | 'joined' | 'rejoined';
  readonly member: ChannelMember;
  /** Identity of who made the commit. `undefined` where the engine cannot tell. */
  readonly by: Uint8Array | undefined;
}

/** A change of the group, member by member: first those who have left. */
export function membershipChanges(event: EpochChange): readonly MembershipChange[] {
  const { epoch, seq, phase, receivedAt, committer: by, added, removed } = event;
  const identities = (members: readonly ChannelMember[]): ReadonlySet<string> =>
    new Set(members.map(({ identity }) => toHex(identity)));
  const [comers, goers] = [identities(added), identities(removed)];
  const tell = (change: MembershipChange['change'], member: ChannelMember): MembershipChange => {
    return { change, member, by, epoch, seq, phase, receivedAt };
  };
  return [
    ...removed.filter(({ identity }) => !comers.has(toHex(identity))).map((member) => tell('left', member)),
    ...added.map((member) => tell(goers.has(toHex(member.identity)) ? 'rejoined' : 'joined', member)),
  ];
}
