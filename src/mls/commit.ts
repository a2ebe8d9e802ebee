import type { ClientState } from 'ts-mls/clientState.js';
import type { KeyPackage } from 'ts-mls/keyPackage.js';
import type { RatchetTree } from 'ts-mls/ratchetTree.js';
import { equalBytes } from '../base/bytes.ts';
import { checkInteger } from '../base/check.ts';
import { MlsError, RuntimeError, SkytaleError } from '../base/errors.ts';
import { buildCommit } from './commit-builder.ts';
import type { CommitFraming, ProposedChange } from './commit-builder.ts';
import { identityOf } from './credential.ts';
import { rememberingSignatures } from './crypto/remembered-signatures.ts';
import { engineParts } from './engine.ts';
import type { EngineParts, MlsEngine } from './engine.ts';
import { checkNotErased } from './erase.ts';
import type { Group } from './group.ts';
import { objectionToExtensions, toLibraryExtensions } from './group-extensions.ts';
import type { GroupExtension } from './group-extensions.ts';
import { activeStateOf, wrapState } from './group-state.ts';
import { NO_PINS } from './identity-pins.ts';
import type { IdentityPins } from './identity-pins.ts';
import { type AdmissionNote, encodeAdmissionNotes } from './invite/admission-note.ts';
import { openKeyPackage } from './key-package.ts';
import { carryLeaves, leavingLeaves } from './leave.ts';
import { objectionToAdmission } from './member-policy.ts';
import { leavesOf, memberAt } from './members.ts';
import { compareTrees } from './membership-change.ts';
import { objectionToProposals } from './membership-policy.ts';
import { objectionToKeys } from './tree-validation.ts';

/**
 * What a commit is to do. Members that have asked to leave are removed by every commit, also by one of `{}`, but for one of
 * `extensions`.
 */
export interface GroupChange {
  /** Key packages of those who join. */
  readonly add?: readonly Uint8Array[];
  /** Leaf indices of those who have to go. Not our own. */
  readonly remove?: readonly number[];
  /**
   * Key packages of members that come back with a new leaf, after they have lost their state for example: the leaf that the
   * identity has goes in the same commit, and whoever holds its keys is out. Not our own identity.
   */
  readonly replace?: readonly Uint8Array[];
  /**
   * What to do about a key package of `replace` whose identity is no member: `add` it (default), or `refuse` the change.
   * A change that is made again after a lost race should refuse, or it brings back a member that the winner has removed.
   */
  readonly ifAbsent?: 'add' | 'refuse';
  /** Renew our own keys. A removal does that anyway. */
  readonly rotate?: true;
  /**
   * What the members agree on from now on, in place of what they have agreed on so far: see {@link groupExtensions}. A change
   * of its own, which goes with no other; it renews our keys. At least one: extensions cannot be cleared.
   */
  readonly extensions?: readonly GroupExtension[];
  /** What the other members are told of those who join: by which invites they come. */
  readonly notes?: readonly AdmissionNote[];
}

/** A commit that has not won yet, with all that is needed once it has. */
export interface StagedCommit {
  /** The epoch that it ends. */
  readonly epoch: bigint;
  /** An MLSMessage for the members. */
  readonly commit: Uint8Array;
  /** An MLSMessage for those who were added, with the tree. Must not be delivered unless the commit wins. */
  readonly welcome: Uint8Array | undefined;
  /** References of the key packages that the Welcome is for, in the order of `add`, then `replace`. */
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
 * already and is not removed by the same change, if a leaf to remove is empty, if a member does not support an extension, or
 * if the engine's policy does not accept somebody; `removed_from_group`.
 * @throws {@link RuntimeError} `invalid_argument` for a change with nothing to do, one that removes ourselves, or one of
 * extensions and something else.
 */
export async function commitChange(
  engine: MlsEngine,
  group: Group,
  change: GroupChange,
  framing: CommitFraming,
  nowMs: number,
  pins: IdentityPins = NO_PINS,
): Promise<StagedCommit> {
  const engineWide = engineParts(engine);
  const parts = { ...engineWide, crypto: rememberingSignatures(engineWide.crypto) };
  const state = activeStateOf(group);
  checkNotErased(state.keySchedule.initSecret);
  const { rotate = false } = change;
  const proposed = await proposalsOf(parts, state, change, nowMs);
  const { proposals } = proposed;
  if (proposals.length === 0 && !rotate) {
    throw new RuntimeError('invalid_argument', 'Expected `change` to name something to do, got nothing.');
  }
  const objection = objectionToProposals(state.ratchetTree, proposals);
  if (objection !== undefined) throw refusal(objection);
  try {
    const { next, ...sent } = await buildCommit(parts, state, proposed, rotate, framing);
    checkResult(parts, state, next, pins);
    return { epoch: group.epoch, ...sent, next: wrapState(carryLeaves(state, next)) };
  } catch (cause) {
    if (cause instanceof SkytaleError) throw cause;
    throw refusal(cause instanceof Error ? cause.message : String(cause), cause);
  }
}

async function proposalsOf(
  parts: EngineParts,
  state: ClientState,
  change: GroupChange,
  nowMs: number,
): Promise<ProposedChange> {
  const { ratchetTree, groupContext, privatePath } = state;
  const { add = [], remove = [], replace = [], ifAbsent = 'add', extensions } = change;
  if (extensions !== undefined) {
    if (add.length + remove.length + replace.length > 0) {
      throw new RuntimeError(
        'invalid_argument',
        'Expected `change` to be about extensions or about members, got both.',
      );
    }
    const groupContextExtensions = { extensions: toLibraryExtensions(extensions) };
    const proposals = [{ proposalType: 'group_context_extensions' as const, groupContextExtensions }];
    return { proposals, refs: new Map(), authenticatedData: encodeAdmissionNotes([]) };
  }
  const leaves = new Set(remove);
  for (const leaf of leaves) {
    checkInteger('remove', leaf, 0);
    if (memberAt(ratchetTree, leaf) === undefined) {
      throw new MlsError('mls_error', `No member has leaf ${leaf} in epoch ${groupContext.epoch}.`);
    }
  }
  const refs = new Map<KeyPackage, Uint8Array>();
  for (const bytes of add) {
    const { keyPackage, info } = await openKeyPackage(parts, bytes, nowMs);
    refs.set(keyPackage, info.ref);
  }
  for (const bytes of replace) {
    const { keyPackage, info } = await openKeyPackage(parts, bytes, nowMs);
    const leaf = leafOf(ratchetTree, info.identity);
    if (leaf !== undefined) leaves.add(leaf);
    else if (ifAbsent === 'refuse') throw refusal('an identity to be replaced is not a member');
    refs.set(keyPackage, info.ref);
  }
  if (leaves.has(privatePath.leafIndex)) {
    throw new RuntimeError('invalid_argument', 'Expected `change` to be about others: a member cannot remove itself.');
  }
  for (const leaf of leavingLeaves(state)) if (leaf !== privatePath.leafIndex) leaves.add(leaf);
  const proposals = [
    ...[...leaves].map((removed) => ({ proposalType: 'remove' as const, remove: { removed } })),
    ...[...refs.keys()].map((keyPackage) => ({ proposalType: 'add' as const, add: { keyPackage } })),
  ];
  return { proposals, refs, authenticatedData: encodeAdmissionNotes(change.notes ?? []) };
}

function leafOf(tree: RatchetTree, identity: Uint8Array): number | undefined {
  for (const [leaf, { credential }] of leavesOf(tree)) {
    const taken = identityOf(credential);
    if (taken !== undefined && equalBytes(taken, identity)) return leaf;
  }
  return undefined;
}

/** The rules that others will check when they receive the commit, and those that are only ours. */
function checkResult({ acceptMember }: EngineParts, before: ClientState, next: ClientState, pins: IdentityPins): void {
  const { added, removed } = compareTrees(before.ratchetTree, next.ratchetTree, NO_PINS);
  const { groupId } = next.groupContext;
  const objection =
    objectionToKeys(next.ratchetTree) ??
    objectionToExtensions(next.groupContext.extensions, next.ratchetTree) ??
    objectionToAdmission(acceptMember, { occasion: 'own-commit', groupId, added, removed, pins });
  if (objection !== undefined) throw refusal(objection);
}

function refusal(reason: string, cause?: unknown): MlsError {
  return new MlsError('mls_error', `The change cannot be committed: ${reason}.`, { cause });
}
