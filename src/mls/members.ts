import type { LeafNode } from 'ts-mls/leafNode.js';
import type { RatchetTree } from 'ts-mls/ratchetTree.js';
import { equalBytes } from '../base/bytes.ts';
import { MlsError } from '../base/errors.ts';
import { identityOf } from './credential.ts';
import type { Group, Member } from './group.ts';
import { stateOf } from './group-state.ts';

/** What a commit did to the membership. */
export interface MembershipDifference {
  readonly added: readonly Member[];
  readonly removed: readonly Member[];
  /** Members whose leaf got a new encryption key: the committer, as a rule. */
  readonly updated: readonly Member[];
}

/** The members of a group, by leaf index. A group that we were removed from shows the members after that. */
export function groupMembers(group: Group): readonly Member[] {
  const members: Member[] = [];
  for (const [leaf, node] of leavesOf(stateOf(group).ratchetTree)) members.push(toMember(leaf, node));
  return members;
}

/**
 * What changed between two states of one group, by comparing their trees. A member that was removed and added again
 * is in both lists.
 */
export function describeChange(before: Group, after: Group): MembershipDifference {
  const old = new Map(leavesOf(stateOf(before).ratchetTree));
  const added: Member[] = [];
  const removed: Member[] = [];
  const updated: Member[] = [];
  for (const [leaf, node] of leavesOf(stateOf(after).ratchetTree)) {
    const previous = old.get(leaf);
    old.delete(leaf);
    if (previous === undefined) {
      added.push(toMember(leaf, node));
    } else if (!equalBytes(previous.signature, node.signature)) {
      // Only an Add writes a leaf that comes from a key package; updates and commits make leaves of their own kind.
      if (node.leafNodeSource === 'key_package') {
        removed.push(toMember(leaf, previous));
        added.push(toMember(leaf, node));
      } else {
        updated.push(toMember(leaf, node));
      }
    }
  }
  for (const [leaf, node] of old) removed.push(toMember(leaf, node));
  removed.sort((a, b) => a.leaf - b.leaf);
  return { added, removed, updated };
}

/** The member at a leaf, or `undefined` for a blank leaf. */
export function memberAt(tree: RatchetTree, leaf: number): Member | undefined {
  const node = tree[2 * leaf];
  return node?.nodeType === 'leaf' ? toMember(leaf, node.leaf) : undefined;
}

/** Leaf indices and leaves of all members, in order. */
export function* leavesOf(tree: RatchetTree): Generator<readonly [leaf: number, node: LeafNode]> {
  for (let index = 0; index < tree.length; index += 2) {
    const node = tree[index];
    if (node?.nodeType === 'leaf') yield [index / 2, node.leaf];
  }
}

function toMember(leaf: number, node: LeafNode): Member {
  const identity = identityOf(node.credential);
  // The authentication service has seen every leaf of a tree.
  if (identity === undefined) throw new MlsError('mls_error', 'A member of the group has an unusable credential.');
  return { leaf, identity, signatureKey: node.signaturePublicKey };
}
