import type { CiphersuiteImpl } from 'ts-mls/crypto/ciphersuite.js';
import { decodeProposal } from 'ts-mls/proposal.js';
import type { Proposal } from 'ts-mls/proposal.js';
import {
  addLeafNode,
  decodeRatchetTree,
  encodeRatchetTree,
  removeLeafNode,
  updateLeafNode,
} from 'ts-mls/ratchetTree.js';
import type { RatchetTree } from 'ts-mls/ratchetTree.js';
import { toLeafIndex } from 'ts-mls/treemath.js';
import { TreeHasher } from '../../src/mls/tree-hash.ts';
import type { Report } from './report.ts';
import { whole } from './whole.ts';
import type { Vector } from './vector.ts';

/** What an Add, an Update and a Remove do to a tree (RFC 9420 §7.7, §12.1). */
export async function treeOperations(vector: Vector, suite: CiphersuiteImpl, report: Report): Promise<void> {
  const before = whole(decodeRatchetTree, vector.bytes('tree_before'), 'tree_before');
  report.equal('tree_hash_before', await new TreeHasher(before, suite.hash).root(), vector.bytes('tree_hash_before'));
  const proposal = whole(decodeProposal, vector.bytes('proposal'), 'proposal');
  const after = apply(before, proposal, vector.number('proposal_sender'));
  report.equal(`tree_after ${proposal.proposalType}`, encodeRatchetTree(after), vector.bytes('tree_after'));
  report.equal('tree_hash_after', await new TreeHasher(after, suite.hash).root(), vector.bytes('tree_hash_after'));
}

function apply(tree: RatchetTree, proposal: Proposal, sender: number): RatchetTree {
  switch (proposal.proposalType) {
    case 'add':
      return addLeafNode(tree, proposal.add.keyPackage.leafNode)[0];
    case 'update':
      return updateLeafNode(tree, proposal.update.leafNode, toLeafIndex(sender));
    case 'remove':
      return removeLeafNode(tree, toLeafIndex(proposal.remove.removed));
    default:
      throw new Error(`A proposal of type ${proposal.proposalType} does not change a tree by itself.`);
  }
}
