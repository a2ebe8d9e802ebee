import { createProposal, encodeMlsMessage } from 'ts-mls';
import type { ClientState } from 'ts-mls/clientState.js';
import type { UnappliedProposals } from 'ts-mls/unappliedProposals.js';
import { bytesToBase64 } from 'ts-mls/util/byteArray.js';
import type { CommitFraming } from './commit-builder.ts';
import { engineParts } from './engine.ts';
import type { MlsEngine } from './engine.ts';
import { checkNotErased } from './erase.ts';
import type { Group, Member } from './group.ts';
import { activeStateOf, stateOf, wrapState } from './group-state.ts';
import { isSameMember, memberAt } from './members.ts';
import { paddingConfig } from './padding.ts';

/*
 * Leaving. A member cannot commit its own removal, since whoever commits knows the next epoch; it asks to be removed.
 *
 * The wish is kept in the library's list of proposals that wait for a commit, so it is stored with the group, and a
 * commit of somebody else's software that names the proposal by reference is understood. Our own commits carry the
 * removal by value: they can be read by members that have missed the proposal, behind a gap in the log for example. And
 * the wish outlives its epoch, which a proposal does not: a commit that was made without knowing of it must not turn a
 * member that has gone into one that stays.
 */

/** A proposal to leave, and the group after making it. */
export interface LeaveProposal {
  /** Must be durable before the proposal leaves, like the group after a message. */
  readonly group: Group;
  /** An MLSMessage for the members: a Remove proposal for the sender's own leaf (RFC 9420 §12.1.3). */
  readonly proposal: Uint8Array;
}

/** Bytes of a leaf index in the list's keys; a reference of this epoch's proposals is a hash and longer. */
const CARRIED_KEY_LENGTH = bytesToBase64(new Uint8Array(4)).length;
const REMOVAL_LENGTH = 8;

/**
 * Asks the other members to remove us. We stay a member, and can read, until one of them commits; every commit that is made
 * by our steps in this epoch or a later one does it, see {@link leavingMembers}.
 *
 * `private` framing takes a key of our ratchet. As with commits, **use `public` if a private commit has left in this epoch**
 * that was made from an earlier value of the group.
 *
 * @throws {@link MlsError} `removed_from_group` if we are no member any more.
 */
export async function proposeLeave(
  engine: MlsEngine,
  group: Group,
  framing: CommitFraming = 'private',
): Promise<LeaveProposal> {
  const { crypto, padding } = engineParts(engine);
  const state = activeStateOf(group);
  const ratchet = state.secretTree[2 * group.ownLeaf]?.handshake.secret;
  if (ratchet !== undefined) checkNotErased(ratchet);
  const { clientConfig } = state;
  const { newState, message } = await createProposal(
    { ...state, clientConfig: { ...clientConfig, paddingConfig: paddingConfig(padding, REMOVAL_LENGTH) } },
    framing === 'public',
    { proposalType: 'remove', remove: { removed: group.ownLeaf } },
    crypto,
  );
  return { group: wrapState({ ...newState, clientConfig }), proposal: encodeMlsMessage(message) };
}

/**
 * Members that have asked to leave and are still there, by leaf index; ourselves too. The next commit that
 * {@link commitChange} makes removes the others among them, whatever else it does.
 */
export function leavingMembers(group: Group): readonly Member[] {
  const { ratchetTree, ...state } = stateOf(group);
  return leavingLeaves(state)
    .map((leaf) => memberAt(ratchetTree, leaf))
    .filter((member) => member !== undefined);
}

/** Leaf indices of {@link leavingMembers}. */
export function leavingLeaves({ unappliedProposals }: Pick<ClientState, 'unappliedProposals'>): readonly number[] {
  const leaves = new Set<number>();
  for (const { proposal } of Object.values(unappliedProposals)) {
    if (proposal.proposalType === 'remove') leaves.add(proposal.remove.removed);
  }
  return [...leaves].sort((a, b) => a - b);
}

/** A state whose commits may name only proposals of its own epoch by reference, as the RFC has it. */
export function withoutCarriedLeaves(state: ClientState): ClientState {
  const kept = Object.entries(state.unappliedProposals).filter(([key]) => key.length > CARRIED_KEY_LENGTH);
  if (kept.length === Object.keys(state.unappliedProposals).length) return state;
  return { ...state, unappliedProposals: Object.fromEntries(kept) };
}

/** `after`, the state that a commit has led to from `before`, with the wishes of those who are still there. */
export function carryLeaves(before: ClientState, after: ClientState): ClientState {
  if (after.groupActiveState.kind !== 'active') return after;
  const carried: UnappliedProposals = {};
  for (const leaf of leavingLeaves(before)) {
    const [old, now] = [before.ratchetTree[2 * leaf], after.ratchetTree[2 * leaf]];
    if (old?.nodeType !== 'leaf' || now?.nodeType !== 'leaf' || !isSameMember(old.leaf, now.leaf)) continue;
    carried[carriedKey(leaf)] = {
      proposal: { proposalType: 'remove', remove: { removed: leaf } },
      senderLeafIndex: leaf,
    };
  }
  return Object.keys(carried).length === 0 ? after : { ...after, unappliedProposals: carried };
}

function carriedKey(leaf: number): string {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, leaf);
  return bytesToBase64(bytes);
}
