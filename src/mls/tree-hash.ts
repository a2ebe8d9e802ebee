import { encode } from 'ts-mls/codec/tlsEncoder.js';
import type { Hash } from 'ts-mls/crypto/hash.js';
import type { RatchetTree } from 'ts-mls/ratchetTree.js';
import { treeHashInputEncoder } from 'ts-mls/treeHash.js';
import { isLeaf, left, nodeToLeafIndex, right, rootFromNodeWidth } from 'ts-mls/treemath.js';
import type { NodeIndex } from 'ts-mls/treemath.js';

const encodeInput = encode(treeHashInputEncoder);

/** The first and the last leaf below a node, itself if it is a leaf. */
export function leafRange(node: NodeIndex): readonly [first: number, last: number] {
  // The trailing ones of a node's index are its height.
  const halfWidth = (node ^ (node + 1)) >> 1;
  return [(node - halfWidth) / 2, (node + halfWidth) / 2];
}

/** Tree hashes (RFC 9420 §7.8) of one tree, each computed once. The tree must not change meanwhile. */
export class TreeHasher {
  readonly #tree: RatchetTree;
  readonly #hash: Hash;
  readonly #known: Map<NodeIndex, Uint8Array> = new Map<NodeIndex, Uint8Array>();

  constructor(tree: RatchetTree, hash: Hash) {
    this.#tree = tree;
    this.#hash = hash;
  }

  /** The hash of the whole tree. */
  root(): Promise<Uint8Array> {
    return this.subtree(rootFromNodeWidth(this.#tree.length), NONE);
  }

  /** The hash of a subtree as it was before the leaves `without` were added. */
  async subtree(node: NodeIndex, without: ReadonlySet<number>): Promise<Uint8Array> {
    const [first, last] = leafRange(node);
    const isWhole = ![...without].some((leaf) => leaf >= first && leaf <= last);
    const known = isWhole ? this.#known.get(node) : undefined;
    if (known !== undefined) return known;
    const computed = await this.#hash.digest(
      isLeaf(node) ? this.#leafInput(node, isWhole) : await this.#parentInput(node, without),
    );
    if (isWhole) this.#known.set(node, computed);
    return computed;
  }

  #leafInput(index: NodeIndex, isThere: boolean): Uint8Array {
    const node = this.#tree[index];
    const leafNode = isThere && node?.nodeType === 'leaf' ? node.leaf : undefined;
    return encodeInput({ nodeType: 'leaf', leafIndex: nodeToLeafIndex(index), leafNode });
  }

  async #parentInput(index: NodeIndex, without: ReadonlySet<number>): Promise<Uint8Array> {
    const node = this.#tree[index];
    const parent = node?.nodeType === 'parent' ? node.parent : undefined;
    return encodeInput({
      nodeType: 'parent',
      parentNode: parent && {
        ...parent,
        unmergedLeaves: parent.unmergedLeaves.filter((leaf) => !without.has(leaf)),
      },
      leftHash: await this.subtree(left(index), without),
      rightHash: await this.subtree(right(index), without),
    });
  }
}

const NONE: ReadonlySet<number> = new Set();
