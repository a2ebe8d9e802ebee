import type { Proposal } from 'ts-mls/proposal.js';
import type { RatchetTree } from 'ts-mls/ratchetTree.js';
import { equalBytes, toHex } from '../base/bytes.ts';
import { identityOf } from './credential.ts';
import { leavesOf } from './members.ts';

/** Leaves that a group may have. Beyond, commits take seconds, and the library's codec overflows the stack at 8,000. */
export const MAX_LEAVES = 1024;

/**
 * Why a commit with these proposals is against the rules that our groups have beside those of the RFC, or `undefined`.
 * Every member checks them, when it makes a commit and when it receives one:
 *
 * - commits add and remove members, renew the committer's keys, or change the extensions of the group, and do nothing else;
 * - what changes the extensions removes nobody: the library encrypts the new path for the old extensions, and who reads the
 *   RFC cannot open it. Nor does it clear them, which the library takes for no change;
 * - an identity has one leaf, though a commit may remove it and add it again;
 * - a group has at most {@link MAX_LEAVES} members.
 */
export function objectionToProposals(tree: RatchetTree, proposals: readonly Proposal[]): string | undefined {
  const identities = new Map<number, string>();
  for (const [leaf, { credential }] of leavesOf(tree)) identities.set(leaf, toHex(identityOf(credential) ?? NOBODY));
  let extensions: readonly unknown[] | undefined;
  for (const proposal of proposals) {
    if (proposal.proposalType === 'remove') identities.delete(proposal.remove.removed);
    else if (proposal.proposalType === 'group_context_extensions') ({ extensions } = proposal.groupContextExtensions);
    else if (proposal.proposalType !== 'add') return `proposals of type ${proposal.proposalType} are not supported`;
  }
  if (extensions !== undefined && proposals.some(({ proposalType }) => proposalType === 'remove')) {
    return 'it changes the extensions of the group and removes a member at once';
  }
  if (extensions?.length === 0) return 'it clears the extensions of the group';
  const taken = new Set(identities.values());
  for (const proposal of proposals) {
    if (proposal.proposalType !== 'add') continue;
    const identity = toHex(identityOf(proposal.add.keyPackage.leafNode.credential) ?? NOBODY);
    if (taken.has(identity)) return 'it adds an identity that is a member already';
    taken.add(identity);
  }
  if (taken.size > MAX_LEAVES) return `it would give the group more than ${MAX_LEAVES} members`;
  return undefined;
}

/**
 * Why the leaves of `after` do not continue those of `before`, or `undefined`. A member keeps its identity and its
 * signature key for its time in the group: with basic credentials there is no authority that could vouch for new ones.
 */
export function objectionToLeaves(before: RatchetTree, after: RatchetTree): string | undefined {
  for (const [leaf, node] of leavesOf(after)) {
    if (node.leafNodeSource === 'key_package') continue;
    const previous = before[2 * leaf];
    if (previous?.nodeType !== 'leaf') return 'a member appears that nobody has added';
    if (previous.leaf === node) continue;
    const identity = identityOf(node.credential);
    const previousIdentity = identityOf(previous.leaf.credential);
    if (identity === undefined || previousIdentity === undefined || !equalBytes(identity, previousIdentity)) {
      return 'a member changes its identity';
    }
    if (!equalBytes(node.signaturePublicKey, previous.leaf.signaturePublicKey)) {
      return 'a member changes its signature key';
    }
  }
  return undefined;
}

/** Why the leaves of a tree that is new to us are against the rules, or `undefined`. */
export function objectionToTree(tree: RatchetTree): string | undefined {
  if (tree.length > 2 * MAX_LEAVES - 1) return `the group has room for more than ${MAX_LEAVES} members`;
  const taken = new Set<string>();
  for (const [, { credential }] of leavesOf(tree)) {
    const identity = identityOf(credential);
    if (identity === undefined) return 'a member has an unusable credential';
    const key = toHex(identity);
    if (taken.has(key)) return 'two members have one identity';
    taken.add(key);
  }
  return undefined;
}

/** Stands for credentials without an identity, which the authentication service keeps out of every tree. */
const NOBODY = new Uint8Array(0);
