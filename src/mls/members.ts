import type { LeafNode } from 'ts-mls/leafNode.js';
import type { RatchetTree } from 'ts-mls/ratchetTree.js';
import { equalBytes } from '../base/bytes.ts';
import { MlsError } from '../base/errors.ts';
import { identityOf } from './credential.ts';
import type { Group, Member } from './group.ts';
import { stateOf } from './group-state.ts';

/** The members of a group, by leaf index. A group that we were removed from shows the members after that. */
export function groupMembers(group: Group): readonly Member[] {
  const members: Member[] = [];
  for (const [leaf, node] of leavesOf(stateOf(group).ratchetTree)) members.push(toMember(leaf, node));
  return members;
}

/** The member at a leaf, or `undefined` for a blank leaf. */
export function memberAt(tree: RatchetTree, leaf: number): Member | undefined {
  const node = tree[2 * leaf];
  return node?.nodeType === 'leaf' ? toMember(leaf, node.leaf) : undefined;
}

/**
 * Whether a leaf belongs to the member that it belonged to before; not to one that was added in its place. Only an Add
 * writes a leaf that comes from a key package; updates and commits make leaves of their own kind.
 */
export function isSameMember(before: LeafNode, now: LeafNode): boolean {
  // States of one group share the leaves that have not changed, which saves most of the comparing.
  return before === now || now.leafNodeSource !== 'key_package' || equalBytes(before.signature, now.signature);
}

/** Leaf indices and leaves of all members, in order. */
export function* leavesOf(tree: RatchetTree): Generator<readonly [leaf: number, node: LeafNode]> {
  for (let index = 0; index < tree.length; index += 2) {
    const node = tree[index];
    if (node?.nodeType === 'leaf') yield [index / 2, node.leaf];
  }
}

/** A leaf as a member. */
export function toMember(leaf: number, node: LeafNode): Member {
  const identity = identityOf(node.credential);
  // The authentication service has seen every leaf of a tree.
  if (identity === undefined) throw new MlsError('mls_error', 'A member of the group has an unusable credential.');
  return { leaf, identity, signatureKey: node.signaturePublicKey };
}
