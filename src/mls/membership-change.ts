import type { RatchetTree } from 'ts-mls/ratchetTree.js';
import { equalBytes, toHex } from '../base/bytes.ts';
import type { Group, Member } from './group.ts';
import { stateOf } from './group-state.ts';
import { NO_PINS } from './identity-pins.ts';
import type { IdentityPins, KeyChange } from './identity-pins.ts';
import { isSameMember, leavesOf, toMember } from './members.ts';

/** What a commit did to the membership. */
export interface MembershipDifference {
  readonly added: readonly Member[];
  readonly removed: readonly Member[];
  /** Members whose leaf got a new encryption key: the committer, as a rule. */
  readonly updated: readonly Member[];
  /** Identities of `added` that were known under another signature key: as members before, or by their pins. */
  readonly keyChanged: readonly KeyChange[];
}

/**
 * What changed between two states of one group, by comparing their trees. A member that was removed and added again
 * is in both lists.
 */
export function describeChange(before: Group, after: Group, pins: IdentityPins = NO_PINS): MembershipDifference {
  return compareTrees(stateOf(before).ratchetTree, stateOf(after).ratchetTree, pins);
}

/** {@link describeChange} for two trees. */
export function compareTrees(before: RatchetTree, after: RatchetTree, pins: IdentityPins): MembershipDifference {
  const old = new Map(leavesOf(before));
  const added: Member[] = [];
  const removed: Member[] = [];
  const updated: Member[] = [];
  for (const [leaf, node] of leavesOf(after)) {
    const previous = old.get(leaf);
    old.delete(leaf);
    if (previous === undefined) {
      added.push(toMember(leaf, node));
    } else if (!isSameMember(previous, node)) {
      removed.push(toMember(leaf, previous));
      added.push(toMember(leaf, node));
    } else if (previous !== node && !equalBytes(previous.signature, node.signature)) {
      updated.push(toMember(leaf, node));
    }
  }
  for (const [leaf, node] of old) removed.push(toMember(leaf, node));
  removed.sort((a, b) => a.leaf - b.leaf);
  return { added, removed, updated, keyChanged: keyChanges(added, knownKeys(added, removed, pins)) };
}

/**
 * The signature keys by which the identities of `added` were known before, by identity in hexadecimal. An identity has one
 * leaf in a group, so one that is added and was a member is among the removed.
 */
export function knownKeys(
  added: readonly Member[],
  removed: readonly Member[],
  pins: IdentityPins,
): ReadonlyMap<string, Uint8Array> {
  const known = new Map<string, Uint8Array>();
  for (const { identity } of added) {
    const pin = pins.get(toHex(identity));
    if (pin !== undefined) known.set(toHex(identity), pin.signatureKey);
  }
  for (const { identity, signatureKey } of removed) known.set(toHex(identity), signatureKey);
  return known;
}

function keyChanges(added: readonly Member[], known: ReadonlyMap<string, Uint8Array>): readonly KeyChange[] {
  return added.flatMap(({ identity, signatureKey }) => {
    const before = known.get(toHex(identity));
    return before === undefined || equalBytes(before, signatureKey) ? [] : [{ identity, before, after: signatureKey }];
  });
}
