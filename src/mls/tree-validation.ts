import { extensionsSupportedByCapabilities } from 'ts-mls/extension.js';
import type { GroupContext } from 'ts-mls/groupContext.js';
import { verifyLeafNodeSignature, verifyLeafNodeSignatureKeyPackage } from 'ts-mls/leafNode.js';
import type { LeafNode, LeafNodeKeyPackage } from 'ts-mls/leafNode.js';
import { getHpkePublicKey } from 'ts-mls/ratchetTree.js';
import type { RatchetTree } from 'ts-mls/ratchetTree.js';
import { directPath, isLeaf, leafToNodeIndex, leafWidth, toLeafIndex, toNodeIndex } from 'ts-mls/treemath.js';
import { equalBytes, toHex } from '../base/bytes.ts';
import type { EngineParts } from './engine.ts';
import { leavesOf } from './members.ts';
import { areParentHashesValid } from './parent-hash.ts';
import { TreeHasher } from './tree-hash.ts';

/**
 * What is wrong with the tree of a group that we are about to join, or `undefined` (RFC 9420 §12.4.3.1).
 *
 * It stands here because the library's `joinGroup` refuses valid trees: it wants the lists of unmerged leaves on a path
 * to be all alike, which they are no longer once somebody below has committed.
 *
 * @param nowSeconds Unix time. A leaf that is not valid yet is refused. One that has expired is not: a member that has
 * been added in time and never made a commit keeps the leaf of its key package.
 */
export async function objectionToRatchetTree(
  { crypto }: EngineParts,
  tree: RatchetTree,
  groupContext: GroupContext,
  nowSeconds: bigint,
): Promise<string | undefined> {
  const shape = objectionToShape(tree) ?? objectionToKeys(tree) ?? objectionToUnmergedLeaves(tree);
  if (shape !== undefined) return shape;
  for (const [leaf, node] of leavesOf(tree)) {
    const objection = objectionToLeaf(node, nowSeconds);
    if (objection !== undefined) return `the member at leaf ${leaf} ${objection}`;
    const isSigned = isFromKeyPackage(node)
      ? await verifyLeafNodeSignatureKeyPackage(node, crypto.signature)
      : await verifyLeafNodeSignature(node, groupContext.groupId, leaf, crypto.signature);
    if (!isSigned) return `the member at leaf ${leaf} has not signed its leaf`;
  }
  const hasher = new TreeHasher(tree, crypto.hash);
  if (!equalBytes(await hasher.root(), groupContext.treeHash)) return 'its tree is not the tree of the group';
  if (!(await areParentHashesValid(tree, hasher, crypto.hash))) return 'a parent node was not set by a member below it';
  return undefined;
}

function objectionToShape(tree: RatchetTree): string | undefined {
  for (const [index, node] of tree.entries()) {
    if (node !== undefined && (node.nodeType === 'leaf') !== isLeaf(toNodeIndex(index))) {
      return 'leaves and parent nodes of its tree are mixed up';
    }
  }
  return undefined;
}

/** Why the keys of a tree are not all different, or `undefined` (RFC 9420 §7.3). */
export function objectionToKeys(tree: RatchetTree): string | undefined {
  const encryptionKeys = new Set<string>();
  const signatureKeys = new Set<string>();
  for (const node of tree) {
    if (node === undefined) continue;
    if (!addNew(encryptionKeys, getHpkePublicKey(node))) return 'two nodes have one encryption key';
    if (node.nodeType === 'leaf' && !addNew(signatureKeys, node.leaf.signaturePublicKey)) {
      return 'two members have one signature key';
    }
  }
  return undefined;
}

function addNew(keys: Set<string>, key: Uint8Array): boolean {
  const text = toHex(key);
  if (keys.has(text)) return false;
  keys.add(text);
  return true;
}

/**
 * An unmerged leaf is a member below the node that does not know its key. The nodes between the two, where there are
 * any, were set before it came as well and must list it too; nodes above need not.
 */
function objectionToUnmergedLeaves(tree: RatchetTree): string | undefined {
  const width = leafWidth(tree.length);
  for (const [index, node] of tree.entries()) {
    if (node?.nodeType !== 'parent') continue;
    let previous = -1;
    for (const unmerged of node.parent.unmergedLeaves) {
      if (unmerged <= previous) return 'a list of unmerged leaves is not in order';
      previous = unmerged;
      const leaf = leafToNodeIndex(toLeafIndex(unmerged));
      if (tree[leaf]?.nodeType !== 'leaf') return 'an unmerged leaf is not there';
      const path = directPath(leaf, width);
      const height = path.indexOf(toNodeIndex(index));
      if (height === -1) return 'an unmerged leaf is not below its node';
      for (const between of path.slice(0, height)) {
        const inner = tree[between];
        if (inner?.nodeType === 'parent' && !inner.parent.unmergedLeaves.includes(unmerged)) {
          return 'an unmerged leaf is missing at a node further down';
        }
      }
    }
  }
  return undefined;
}

function objectionToLeaf(leaf: LeafNode, nowSeconds: bigint): string | undefined {
  if (!leaf.capabilities.credentials.includes('basic')) return 'does not support basic credentials';
  if (!extensionsSupportedByCapabilities(leaf.extensions, leaf.capabilities)) {
    return 'uses extensions that it does not claim to support';
  }
  if (isFromKeyPackage(leaf) && leaf.lifetime.notBefore > nowSeconds) {
    return 'is not valid yet; compare the clocks of the machines';
  }
  return undefined;
}

function isFromKeyPackage(leaf: LeafNode): leaf is LeafNodeKeyPackage {
  return leaf.leafNodeSource === 'key_package';
}
