import { createHash } from 'node:crypto';
import { equalBytes, toHex } from '../../base/bytes.ts';
import type { AdmissionNote } from './admission-note.ts';
import type { NewLeaf } from './leaf-tag.ts';

/** A leaf that this member saw added. */
export interface SeenLeaf {
  readonly leafTag: Uint8Array;
  /** Names the identity: 16 bytes of SHA-256. */
  readonly identityTag: Uint8Array;
  /** By which invite it came, as the member that added it says. `undefined` if by none. */
  readonly inviteId: Uint8Array | undefined;
  /** When this member saw it, in Unix milliseconds. */
  readonly seenAtMs: number;
  /** From when on nobody could use its key package or its invite again. */
  readonly expiresAtMs: number;
  /** The epoch that the commit began, and its place in the log; 0 for who was there before us. */
  readonly epoch: bigint;
  readonly seq: number;
}

/**
 * What a member remembers so that nobody is added twice on one request. An immutable value that is kept beside the group.
 */
export interface Admissions {
  /**
   * Requests that were made before this moment are none of ours: what became of them we cannot know. Unix milliseconds; 0 for
   * who has made the group; `undefined` until it is known.
   */
  readonly sinceMs: number | undefined;
  /** Oldest first. */
  readonly leaves: readonly SeenLeaf[];
}

/** Of a member that has seen nobody come, and does not know yet since when it watches. */
export const NO_ADMISSIONS: Admissions = { sinceMs: undefined, leaves: [] };

/** Of who makes a group: nothing came before. */
export const FOUNDER_ADMISSIONS: Admissions = { sinceMs: 0, leaves: [] };

/** Leaves that are remembered at most: more than four times the members that a group can have. */
const MAX_LEAVES = 4096;
const TAG_BYTES = 16;

/** What somebody remembers who joins anew at this moment, and may have missed what came between. */
export function resumedAdmissions(old: Admissions, nowMs: number, present: readonly NewLeaf[]): Admissions {
  return noteAdmissions({ ...old, sinceMs: nowMs }, present, [], { nowMs, epoch: 0n, seq: 0 });
}

/**
 * Remembers leaves that a commit has added. Those that nobody could ask for again are forgotten; when there are too many, the
 * oldest are, and with them all requests that are as old as they.
 */
export function noteAdmissions(
  admissions: Admissions,
  added: readonly NewLeaf[],
  notes: readonly AdmissionNote[],
  { nowMs, epoch, seq }: { readonly nowMs: number; readonly epoch: bigint; readonly seq: number },
): Admissions {
  const known = admissions.leaves.filter(({ expiresAtMs }) => expiresAtMs > nowMs);
  const unseen = added.filter(({ leafTag }) => seenLeaf(admissions, leafTag) === undefined);
  if (unseen.length === 0 && known.length === admissions.leaves.length) return admissions;
  const fresh = unseen.map(({ identity, leafTag, replaces, expiresAtMs }): SeenLeaf => {
    const note = notes.find((candidate) => equalBytes(candidate.leafTag, leafTag));
    return {
      leafTag,
      identityTag: identityTagOf(identity),
      // Who got a fresh leaf without an invite is still the one that came by the one before.
      inviteId: note?.inviteId ?? (replaces ? lastInviteOf(admissions, identity) : undefined),
      seenAtMs: nowMs,
      expiresAtMs: Math.max(expiresAtMs, note?.expiresAtMs ?? 0),
      epoch,
      seq,
    };
  });
  const leaves = [...known, ...fresh];
  const forgotten = leaves.splice(0, Math.max(0, leaves.length - MAX_LEAVES)).at(-1)?.seenAtMs;
  const { sinceMs } = admissions;
  if (forgotten === undefined) return { sinceMs, leaves };
  return { sinceMs: Math.max(sinceMs ?? 0, forgotten + 1), leaves };
}

/** The leaf of this tag, if it was seen. */
export function seenLeaf({ leaves }: Admissions, leafTag: Uint8Array): SeenLeaf | undefined {
  return leaves.find((leaf) => equalBytes(leaf.leafTag, leafTag));
}

/** By which invite an identity came last, if it came and is remembered. */
export function lastInviteOf({ leaves }: Admissions, identity: Uint8Array): Uint8Array | undefined {
  const tag = identityTagOf(identity);
  return leaves.findLast(({ identityTag }) => equalBytes(identityTag, tag))?.inviteId;
}

/** How many identities have come by an invite, but for this one. */
export function usersOf({ leaves }: Admissions, inviteId: Uint8Array, except: Uint8Array): number {
  const users = leaves.filter((leaf) => leaf.inviteId !== undefined && equalBytes(leaf.inviteId, inviteId));
  const others = new Set(users.map(({ identityTag }) => toHex(identityTag)));
  others.delete(toHex(identityTagOf(except)));
  return others.size;
}

function identityTagOf(identity: Uint8Array): Uint8Array {
  return new Uint8Array(createHash('sha256').update(identity).digest().subarray(0, TAG_BYTES));
}
