import type { GroupState } from 'ts-mls/clientState.js';
import { mapDecoders } from 'ts-mls/codec/tlsDecoder.js';
import type { Decoder } from 'ts-mls/codec/tlsDecoder.js';
import { decodeBigintMap, decodeVarLenData } from 'ts-mls/codec/variableLength.js';
import { decodeOptional } from 'ts-mls/codec/optional.js';
import type { EpochReceiverData } from 'ts-mls/epochReceiverData.js';
import { decodeGroupActiveState } from 'ts-mls/groupActiveState.js';
import { decodeGroupContext } from 'ts-mls/groupContext.js';
import { decodeKeySchedule } from 'ts-mls/keySchedule.js';
import { decodePrivateKeyPath } from 'ts-mls/privateKeyPath.js';
import { decodeNode, extendRatchetTree } from 'ts-mls/ratchetTree.js';
import type { Node, RatchetTree } from 'ts-mls/ratchetTree.js';
import { decodeSecretTree } from 'ts-mls/secretTree.js';
import { decodeUnappliedProposals } from 'ts-mls/unappliedProposals.js';
import { equalBytes } from '../base/bytes.ts';

/** A node of a tree with the bytes that it was decoded from. */
interface DecodedNode {
  readonly node: Node | undefined;
  readonly bytes: Uint8Array;
}

const decodeOptionalNode = decodeOptional(decodeNode);

/**
 * The library's `decodeGroupState`, but that nodes which are in the trees of several epochs are decoded once and shared,
 * as they are in a state that was never stored: that is nearly all of them, and most of the work. For one group; the result
 * aliases its bytes.
 */
export function groupStateDecoder(): Decoder<GroupState> {
  const decodeTree = treeDecoder();
  const decodePastEpoch = mapDecoders(
    [decodeVarLenData, decodeSecretTree, decodeTree, decodeVarLenData, decodeGroupContext],
    (resumptionPsk, secretTree, ratchetTree, senderDataSecret, groupContext): EpochReceiverData => ({
      resumptionPsk,
      secretTree,
      ratchetTree,
      senderDataSecret,
      groupContext,
    }),
  );
  return mapDecoders(
    [
      decodeGroupContext,
      decodeKeySchedule,
      decodeSecretTree,
      decodeTree,
      decodePrivateKeyPath,
      decodeVarLenData,
      decodeUnappliedProposals,
      decodeVarLenData,
      decodeBigintMap(decodePastEpoch),
      decodeGroupActiveState,
    ],
    (
      groupContext,
      keySchedule,
      secretTree,
      ratchetTree,
      privatePath,
      signaturePrivateKey,
      unappliedProposals,
      confirmationTag,
      historicalReceiverData,
      groupActiveState,
    ): GroupState => ({
      groupContext,
      keySchedule,
      secretTree,
      ratchetTree,
      privatePath,
      signaturePrivateKey,
      unappliedProposals,
      confirmationTag,
      historicalReceiverData,
      groupActiveState,
    }),
  );
}

/** Decodes trees, each with what it has in common with those before. */
function treeDecoder(): Decoder<RatchetTree> {
  const trees: DecodedNode[][] = [];
  return (bytes, offset) => {
    const vector = decodeVarLenData(bytes, offset);
    if (vector === undefined) return undefined;
    const [content, length] = vector;
    const tree: DecodedNode[] = [];
    for (let at = 0; at < content.length; ) {
      const decoded = findKnown(trees, tree.length, content, at) ?? decodeAt(content, at);
      if (decoded === undefined) return undefined;
      tree.push(decoded);
      at += decoded.bytes.length;
    }
    trees.push(tree);
    return [extendRatchetTree(tree.map(({ node }) => node)), length];
  };
}

/** The node at this place of another tree, if it is here, too: where a node ends follows from its bytes alone. */
function findKnown(
  trees: readonly DecodedNode[][],
  index: number,
  content: Uint8Array,
  at: number,
): DecodedNode | undefined {
  return trees.find((tree) => {
    const known = tree[index]?.bytes;
    return known !== undefined && equalBytes(content.subarray(at, at + known.length), known);
  })?.[index];
}

function decodeAt(content: Uint8Array, at: number): DecodedNode | undefined {
  const decoded = decodeOptionalNode(content, at);
  if (decoded === undefined) return undefined;
  const [node, length] = decoded;
  return { node, bytes: content.subarray(at, at + length) };
}
