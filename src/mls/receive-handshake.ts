import { emptyPskIndex, processPrivateMessage, processPublicMessage } from 'ts-mls';
import { applyProposals } from 'ts-mls/clientState.js';
import type { ClientState } from 'ts-mls/clientState.js';
import type { CiphersuiteImpl } from 'ts-mls/crypto/ciphersuite.js';
import type { IncomingMessageCallback } from 'ts-mls/incomingMessageAction.js';
import type { MlsPrivateMessage, MlsPublicMessage } from 'ts-mls/message.js';
import type { Proposal } from 'ts-mls/proposal.js';
import { toLeafIndex } from 'ts-mls/treemath.js';
import type { EngineParts } from './engine.ts';
import type { Member } from './group.ts';
import { objectionToExtensions } from './group-extensions.ts';
import { wrapState } from './group-state.ts';
import type { IdentityPins } from './identity-pins.ts';
import { carryLeaves, leavingLeaves, withoutCarriedLeaves } from './leave.ts';
import { objectionToAdmission } from './member-policy.ts';
import { memberAt } from './members.ts';
import { compareTrees } from './membership-change.ts';
import { objectionToLeaves, objectionToProposals } from './membership-policy.ts';
import { messageRefusal } from './message.ts';
import type { Received } from './received.ts';
import { objectionToKeys } from './tree-validation.ts';

/** Reads a proposal that travels alone: a wish to leave, or nothing that we take. */
export async function receiveProposal(
  { crypto }: EngineParts,
  state: ClientState,
  message: MlsPrivateMessage | MlsPublicMessage,
): Promise<Received> {
  let member: Member | undefined;
  const judge: IncomingMessageCallback = (incoming) => {
    if (incoming.kind !== 'proposal') return 'reject';
    const { proposal, senderLeafIndex } = incoming.proposal;
    if (proposal.proposalType !== 'remove' || proposal.remove.removed !== senderLeafIndex) return 'reject';
    member = memberAt(state.ratchetTree, senderLeafIndex);
    // One wish of a member in an epoch is enough. More would let it fill our memory.
    return leavingLeaves(withoutCarriedLeaves(state)).includes(senderLeafIndex) ? 'reject' : 'accept';
  };
  const { newState } = await process(state, message, crypto, judge);
  if (member === undefined) throw messageRefusal('it is a proposal that travels alone and is not to leave');
  if (member.leaf === state.privatePath.leafIndex) throw messageRefusal('it is our own');
  return { kind: 'leave-proposed', group: wrapState(newState), leaf: member.leaf, member };
}

/** Reads a commit and applies it. */
export async function receiveCommit(
  { crypto, acceptMember }: EngineParts,
  state: ClientState,
  message: MlsPrivateMessage | MlsPublicMessage,
  pins: IdentityPins,
): Promise<Received> {
  const ownLeaf = state.privatePath.leafIndex;
  let committer: Member | undefined;
  let objection: string | undefined;
  let removal: readonly Proposal[] | undefined;
  const judge: IncomingMessageCallback = (incoming) => {
    if (incoming.kind === 'proposal') {
      objection = 'it is not what its header says';
      return 'reject';
    }
    if (incoming.senderLeafIndex !== undefined) committer = memberAt(state.ratchetTree, incoming.senderLeafIndex);
    const proposals = incoming.proposals.map(({ proposal }) => proposal);
    objection = objectionToProposals(state.ratchetTree, proposals);
    if (objection === undefined && proposals.some((proposal) => removes(proposal, ownLeaf))) removal = proposals;
    return objection === undefined && removal === undefined ? 'accept' : 'reject';
  };
  const processed = await process(withoutCarriedLeaves(state), message, crypto, judge);
  const newState =
    removal === undefined || committer === undefined
      ? processed.newState
      : await removedState(state, removal, committer.leaf, crypto);
  const { ratchetTree, groupContext } = newState;
  objection ??=
    objectionToLeaves(state.ratchetTree, ratchetTree) ??
    objectionToKeys(ratchetTree) ??
    objectionToExtensions(groupContext.extensions, ratchetTree);
  if (objection !== undefined) throw messageRefusal(objection);
  const { added, removed, keyChanged } = compareTrees(state.ratchetTree, ratchetTree, pins);
  // Who has been removed has no say any more.
  if (newState.groupActiveState.kind === 'active') {
    const { groupId } = state.groupContext;
    const veto = objectionToAdmission(acceptMember, { occasion: 'commit', groupId, added, removed, pins });
    if (veto !== undefined) throw messageRefusal(veto);
  }
  return { kind: 'commit', group: wrapState(carryLeaves(state, newState)), committer, keyChanged };
}

function removes(proposal: Proposal, leaf: number): boolean {
  return proposal.proposalType === 'remove' && proposal.remove.removed === leaf;
}

/**
 * The state of a member that an authentic commit has removed, with the tree as the others have it but for the committer's
 * new keys, which it cannot read. It stands here because the library takes a member to be removed if its leaf is blank
 * afterwards: where the same commit has put somebody else there, it goes on and fails.
 */
async function removedState(
  state: ClientState,
  proposals: readonly Proposal[],
  committer: number,
  crypto: CiphersuiteImpl,
): Promise<ClientState> {
  const byValue = proposals.map((proposal) => ({ proposalOrRefType: 'proposal' as const, proposal }));
  const { tree } = await applyProposals(state, byValue, toLeafIndex(committer), emptyPskIndex, false, crypto);
  return { ...state, ratchetTree: tree, unappliedProposals: {}, groupActiveState: { kind: 'removedFromGroup' } };
}

function process(
  state: ClientState,
  message: MlsPrivateMessage | MlsPublicMessage,
  crypto: CiphersuiteImpl,
  judge: IncomingMessageCallback,
): Promise<{ readonly newState: ClientState }> {
  return message.wireformat === 'mls_private_message'
    ? processPrivateMessage(state, message.privateMessage, emptyPskIndex, crypto, judge)
    : processPublicMessage(state, message.publicMessage, emptyPskIndex, crypto, judge);
}
