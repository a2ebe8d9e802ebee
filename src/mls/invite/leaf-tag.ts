import { createHash } from 'node:crypto';
import type { LeafNode } from 'ts-mls/leafNode.js';
import { toHex } from '../../base/bytes.ts';
import type { Group } from '../group.ts';
import { stateOf } from '../group-state.ts';
import { identityOf } from '../credential.ts';
import { isSameMember, leavesOf } from '../members.ts';

const TAG_BYTES = 16;
const NOBODY = new Uint8Array(0);

/** A leaf that came into the group with a key package. */
export interface NewLeaf {
  readonly identity: Uint8Array;
  readonly leafTag: Uint8Array;
  /** Whether its identity was a member before. */
  readonly replaces: boolean;
  /** Until when the key package is good, in Unix milliseconds. */
  readonly expiresAtMs: number;
}

/** Names a leaf by its encryption key, which every key package has of its own: 16 bytes of SHA-256. */
export function leafTagOf({ hpkePublicKey }: Pick<LeafNode, 'hpkePublicKey'>): Uint8Array {
  return new Uint8Array(createHash('sha256').update(hpkePublicKey).digest().subarray(0, TAG_BYTES));
}

/** The leaves of `after` that are not in `before` and came with a key package; without `before`, all that came so. */
export function newLeaves(after: Group, before?: Group): readonly NewLeaf[] {
  const old = new Map(before && leavesOf(stateOf(before).ratchetTree));
  const identities = new Set([...old.values()].map(({ credential }) => toHex(identityOf(credential) ?? NOBODY)));
  const leaves: NewLeaf[] = [];
  for (const [leaf, node] of leavesOf(stateOf(after).ratchetTree)) {
    const previous = old.get(leaf);
    if (node.leafNodeSource !== 'key_package') continue;
    if (previous !== undefined && isSameMember(previous, node)) continue;
    const identity = identityOf(node.credential);
    if (identity === undefined) continue; // the authentication service has let none of them in
    const expiresAtMs = Number(node.lifetime.notAfter) * 1000;
    leaves.push({ identity, leafTag: leafTagOf(node), replaces: identities.has(toHex(identity)), expiresAtMs });
  }
  return leaves;
}
