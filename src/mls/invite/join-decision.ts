import { equalBytes } from '../../base/bytes.ts';
import type { Member } from '../group.ts';
import { type Admissions, lastInviteOf, type SeenLeaf, seenLeaf, usersOf } from './admissions.ts';
import type { VerifiedJoin } from './join-verification.ts';

/** What a member has to say to a request that is what it seems. */
export type JoinDecision =
  /** It may be admitted without asking anybody. */
  | { readonly kind: 'admit'; readonly replaces: boolean }
  /** Somebody has to decide. */
  | { readonly kind: 'ask'; readonly replaces: boolean }
  /** It is older than our time in the group: members who were there know more, and somebody may decide. */
  | { readonly kind: 'before-us'; readonly replaces: boolean }
  /** Only others may admit it. */
  | { readonly kind: 'not-ours' }
  /** Its key package was added already. */
  | { readonly kind: 'done'; readonly leaf: SeenLeaf }
  /** As many identities as the invite is for have come by it. */
  | { readonly kind: 'exhausted' };

/** What the member knows who decides. */
export interface JoinView {
  readonly self: Uint8Array;
  readonly members: readonly Member[];
  readonly admissions: Admissions;
}

/**
 * Decides on a request that {@link verifyJoin} has found to be what it seems. Never twice on one key package, whatever the
 * control plane shows.
 *
 * An identity that is a member gets a fresh leaf without anybody's asking only if it came by the same invite. One that came
 * by it and was removed since does not come back by itself.
 */
export function decideJoin(
  { terms, madeAtMs, leafTag }: VerifiedJoin,
  identity: Uint8Array,
  view: JoinView,
): JoinDecision {
  const { self, members, admissions } = view;
  const leaf = seenLeaf(admissions, leafTag);
  if (leaf !== undefined) return { kind: 'done', leaf };
  if (equalBytes(identity, self)) return { kind: 'not-ours' };
  if (terms.admit === 'issuer' && !equalBytes(terms.issuer, self)) return { kind: 'not-ours' };
  const replaces = members.some((member) => equalBytes(member.identity, identity));
  const before = lastInviteOf(admissions, identity);
  const cameByIt = before !== undefined && equalBytes(before, terms.inviteId);
  if (!cameByIt && usersOf(admissions, terms.inviteId, identity) >= terms.maxUses) return { kind: 'exhausted' };
  if (terms.approval === 'manual') return { kind: 'ask', replaces };
  if (replaces !== cameByIt) return { kind: 'ask', replaces };
  if (admissions.sinceMs === undefined || madeAtMs < admissions.sinceMs) return { kind: 'before-us', replaces };
  return { kind: 'admit', replaces };
}
