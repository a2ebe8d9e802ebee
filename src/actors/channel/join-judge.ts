import { ChannelError, MlsError, type SkytaleError, toSkytaleError } from '../../base/errors.ts';
import {
  type AdmissionNote,
  type ChannelRecord,
  decideJoin,
  groupMembers,
  type JoinDecision,
  type VerifiedJoin,
  verifyJoin,
} from '../../mls/index.ts';
import type { PendingJoin } from '../../transport/index.ts';
import type { CommitRequest } from './commit-request.ts';
import type { Workbench } from './workbench.ts';

/** A request, what is true of it, and what this member has to say to it. */
export type Judged =
  | { readonly request: PendingJoin; readonly verified: VerifiedJoin; readonly decision: JoinDecision }
  | { readonly request: PendingJoin; readonly refused: SkytaleError };

/** Requests that are looked at before the event loop gets a turn; each takes some signatures. */
export const JUDGED_AT_ONCE = 32;

/** Checks a request against the group as it is on disk. Never rejects: what cannot be checked is refused. */
export async function judge({ keeper, ports }: Workbench, request: PendingJoin): Promise<Judged> {
  const { durable } = keeper;
  const group = { channel: durable.name, groupId: durable.group.groupId, members: groupMembers(durable.group) };
  try {
    const verified = await verifyJoin(ports.engine, group, request, ports.clock.now());
    const decision = decide(keeper.durable, request, verified);
    if (decision.kind !== 'exhausted') return { request, verified, decision };
    const detail = 'The request to join is refused: as many identities as its invite is for have come by it.';
    return { request, refused: new MlsError('mls_error', detail) };
  } catch (error) {
    return { request, refused: toSkytaleError(error) };
  }
}

/**
 * The change that admits somebody.
 *
 * @param isApproved whether somebody has decided so, knowing whether a member is replaced
 */
export function admission(
  { request, verified, decision }: Extract<Judged, { decision: JoinDecision }>,
  isApproved: boolean,
): Pick<CommitRequest, 'change' | 'notes' | 'check'> {
  const { leafTag, terms } = verified;
  const note: AdmissionNote = { leafTag, inviteId: terms.inviteId, expiresAtMs: terms.expiresAtMs };
  const wanted = 'replaces' in decision && decision.replaces;
  return {
    change: { replace: [request.keyPackage] },
    notes: [note],
    check(record) {
      const now = decide(record, request, verified);
      const isAllowed = now.kind === 'admit' || (isApproved && (now.kind === 'ask' || now.kind === 'before-us'));
      // Another member's commit may have come first: with the same request, or with another that changes what this one means.
      if (isAllowed && now.replaces === wanted) return;
      throw new ChannelError('commit_conflict', 'the request to join is settled, or means something else by now');
    },
  };
}

function decide({ group, admissions }: ChannelRecord, request: PendingJoin, verified: VerifiedJoin): JoinDecision {
  const members = groupMembers(group);
  const self = members.find(({ leaf }) => leaf === group.ownLeaf);
  // Who is no member has no say.
  if (self === undefined || !group.isActive) return { kind: 'not-ours' };
  return decideJoin(verified, request.identity, { self: self.identity, members, admissions });
}
