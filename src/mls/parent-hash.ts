import { encode } from 'ts-mls/codec/tlsEncoder.js';
import type { Hash } from 'ts-mls/crypto/hash.js';
import { parentHashInputEncoder } from 'ts-mls/parentHash.js';
import type { ParentNode } from 'ts-mls/parentNode.js';
import { resolution } from 'ts-mls/ratchetTree.js';
import type { RatchetTree } from 'ts-mls/ratchetTree.js';
import { left, right, toNodeIndex } from 'ts-mls/treemath.js';
import type { NodeIndex } from 'ts-mls/treemath.js';
import { equalBytes } from '../base/bytes.ts';
import { leafRange } from './tree-hash.ts';
import type { TreeHasher } from './tree-hash.ts';

const encodeInput = encode(parentHashInputEncoder);

/**
 * Whether every parent node was set by a commit of somebody below it (RFC 9420 §7.9.2). It keeps a member from
 * slipping keys into a part of the tree that it is not in.
 *
 * The library's own check asks for less than the RFC, and lets some damaged lists of unmerged leaves pass.
 */
export async function areParentHashesValid(tree: RatchetTree, hasher: TreeHasher, hash: Hash): Promise<boolean> {
  for (const [index, node] of tree.entries()) {
    if (node?.nodeType !== 'parent') continue;
    const at = toNodeIndex(index);
    const isSetFromBelow =
      (await isLinked(tree, node.parent, left(at), right(at), hasher, hash)) ||
      (await isLinked(tree, node.parent, right(at), left(at), hasher, hash));
    if (!isSetFromBelow) return false;
  }
  return true;
}

/** Whether a node below `child` names this parent, as the one that a commit set together with it. */
async function isLinked(
  tree: RatchetTree,
  parent: ParentNode,
  child: NodeIndex,
  sibling: NodeIndex,
  hasher: TreeHasher,
  hash: Hash,
): Promise<boolean> {
  const [first, last] = leafRange(child);
  const unmerged = new Set(
    parent.unmergedLeaves.filter((leaf) => leaf >= first && leaf <= last).map((leaf) => 2 * leaf),
  );
  // Of the resolution, all but one must have come after the commit: that one is the descendant to look at.
  const before = resolution(tree, child).filter((node) => !unmerged.delete(node));
  const [descendant] = before;
  if (descendant === undefined || before.length > 1 || unmerged.size > 0) return false;
  const named = parentHashOf(tree, descendant);
  if (named === undefined) return false;
  const expected = await hash.digest(
    encodeInput({
      encryptionKey: parent.hpkePublicKey,
      parentHash: parent.parentHash,
      originalSiblingTreeHash: await hasher.subtree(sibling, new Set(parent.unmergedLeaves)),
    }),
  );
  return equalBytes(named, expected);
}

function parentHashOf(tree: RatchetTree, index: NodeIndex): Uint8Array | undefined {
  const node = tree[index];
  if (node?.nodeType === 'parent') return node.parent.parentHash;
  return node?.leaf.leafNodeSource === 'commit' ? node.leaf.parentHash : undefined;
}
