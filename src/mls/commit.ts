import type { Proposal } from 'ts-mls/proposal.js';
import { checkInteger } from '../base/check.ts';
import { MlsError, RuntimeError } from '../base/errors.ts';
import { buildCommit } from './commit-builder.ts';
import type { CommitFraming } from './commit-builder.ts';
import { engineParts } from './engine.ts';
import type { MlsEngine } from './engine.ts';
import { checkNotErased } from './erase.ts';
import type { Group } from './group.ts';
import { activeStateOf, wrapState } from './group-state.ts';
import { openKeyPackage } from './key-package.ts';
import { memberAt } from './members.ts';
import { objectionToProposals } from './membership-policy.ts';

/** What a commit is to do. At least one of the three. */
export interface GroupChange {
  /** Key packages of those who join. */
  readonly add?: readonly Uint8Array[];
  /** Leaf indices of those who have to go. Not our own. */
  readonly remove?: readonly number[];
  /** Renew our own keys. A removal does that anyway. */
  readonly rotate?: true;
}

/** A commit that has not won yet, with all that is needed once it has. */
export interface StagedCommit {
  /** The epoch that it ends. */
  readonly epoch: bigint;
  /** An MLSMessage for the members. */
  readonly commit: Uint8Array;
  /** An MLSMessage for those who were added, with the tree. Must not be delivered unless the commit wins. */
  readonly welcome: Uint8Array | undefined;
  /** References of the key packages that the Welcome is for, in the order of `add`. */
  readonly welcomeRefs: readonly Uint8Array[];
  /** The group if the commit wins. If it loses, forget it: the given group is untouched and processes the winner. */
  readonly next: Group;
}

/**
 * Makes a commit (RFC 9420 §12.4). The given group stays as it is until the caller switches to `next`.
 *
 * `private` hides from the relay what changes. **Never let two different private commits of one epoch leave**: both
 * take the same key of our ratchet, and members that have read the one cannot read the other. A second attempt in
 * one epoch uses `public` framing, which takes no key from the ratchet. Sending the same commit again is harmless.
 *
 * @throws {@link MlsError} `invalid_key_package` as {@link readKeyPackage} does; `mls_error` if an identity is a member
 * already and is not removed by the same change, or a leaf to remove is empty; `removed_from_group`.
 * @throws {@link RuntimeError} `invalid_argument` for an empty change, or one that removes ourselves.
 */
export async function commitChange(
  engine: MlsEngine,
  group: Group,
  change: GroupChange,
  framing: CommitFraming,
  nowMs: number,
): Promise<StagedCommit> {
  const parts = engineParts(engine);
  const state = activeStateOf(group);
  checkNotErased(state.keySchedule.initSecret);
  const { add = [], remove = [], rotate = false } = change;
  if (add.length === 0 && remove.length === 0 && !rotate) {
    throw new RuntimeError('invalid_argument', 'Expected `change` to add, to remove or to rotate, got nothing to do.');
  }

  const proposals: Proposal[] = [];
  for (const removed of new Set(remove)) {
    checkInteger('remove', removed, 0);
    if (removed === group.ownLeaf) {
      throw new RuntimeError('invalid_argument', 'Expected `remove` to name others: a member cannot remove itself.');
    }
    if (memberAt(state.ratchetTree, removed) === undefined) {
      throw new MlsError('mls_error', `No member has leaf ${removed} in epoch ${group.epoch}.`);
    }
    proposals.push({ proposalType: 'remove', remove: { removed } });
  }
  for (const bytes of add) {
    const { keyPackage } = await openKeyPackage(parts, bytes, nowMs);
    proposals.push({ proposalType: 'add', add: { keyPackage } });
  }
  const objection = objectionToProposals(state.ratchetTree, proposals);
  if (objection !== undefined) throw new MlsError('mls_error', `The change cannot be committed: ${objection}.`);

  try {
    const { next, ...sent } = await buildCommit(parts, state, proposals, rotate, framing);
    return { epoch: group.epoch, ...sent, next: wrapState(next) };
  } catch (cause) {
    if (cause instanceof MlsError) throw cause;
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new MlsError('mls_error', `The change cannot be committed: ${reason}.`, { cause });
  }
}
