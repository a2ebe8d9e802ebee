import { describe, expect, it } from 'vitest';
import {
  admissionNotesOf,
  createMlsEngine,
  decideJoin,
  NO_ADMISSIONS,
  receiveMessage,
  newLeaves,
  noteAdmissions,
} from '../../../src/mls/index.ts';
import type { Admissions, InviteTerms, JoinView, NewLeaf, VerifiedJoin } from '../../../src/mls/index.ts';
import { FOUNDER_ADMISSIONS, resumedAdmissions, seenLeaf } from '../../../src/mls/invite/admissions.ts';
import { Agent, CHANNEL, gather, NOW, utf8 } from '../agents.ts';

const INVITE = new Uint8Array(16).fill(9);
const OTHER_INVITE = new Uint8Array(16).fill(8);
const tag = (n: number): Uint8Array => new Uint8Array(16).fill(n);
const at = { nowMs: NOW, epoch: 1n, seq: 1 };

function leafOf(name: string, n: number, replaces = false): NewLeaf {
  return { identity: utf8(name), leafTag: tag(n), replaces, expiresAtMs: NOW + 1000 };
}

function came(name: string, n: number, inviteId: Uint8Array = INVITE): Admissions {
  const note = { leafTag: tag(n), inviteId, expiresAtMs: NOW + 5000 };
  return noteAdmissions(FOUNDER_ADMISSIONS, [leafOf(name, n)], [note], at);
}

describe('a member', () => {
  it('learns of all who come with an invite from the commit that adds them, in either framing', async () => {
    const engine = await createMlsEngine();
    const [alice, bob, carol, dave] = await Promise.all(
      ['alice', 'bob', 'carol', 'dave'].map((name) => Agent.named(name, engine)),
    );
    if (!alice || !bob || !carol || !dave) throw new Error('somebody is missing');
    await gather(alice, bob);
    for (const [joiner, framing] of [
      [carol, 'private'],
      [dave, 'public'],
    ] as const) {
      const before = bob.group;
      const { keyPackage } = await joiner.keyPackage();
      const [{ leafTag }] = await tagsOf(alice, keyPackage);
      const notes = [{ leafTag, inviteId: INVITE, expiresAtMs: NOW + 5000 }];
      const staged = await alice.stage({ add: [keyPackage], notes }, framing);
      alice.group = staged.next;
      await bob.receive(staged.commit);
      expect(admissionNotesOf(staged.commit)).toEqual(notes);
      expect(newLeaves(bob.group, before).map(({ leafTag: seen }) => seen)).toEqual([leafTag]);
      const damaged = staged.commit.slice();
      const noteAt = Buffer.from(damaged).indexOf(INVITE);
      damaged[noteAt] = 0;
      await expect(receiveMessage(engine, before, damaged)).rejects.toMatchObject({ code: 'decryption_failure' });
    }
  });

  it('forgets nobody whose key package or invite is still good, and everybody else', () => {
    const seen = came('bob', 1);
    expect(noteAdmissions(seen, [], [], { ...at, nowMs: NOW + 4999 })).toBe(seen);
    expect(noteAdmissions(seen, [], [], { ...at, nowMs: NOW + 5000 }).leaves).toEqual([]);
  });

  it('that remembers too much forgets the oldest, and trusts no request that is as old as they', () => {
    let admissions = FOUNDER_ADMISSIONS;
    for (let n = 0; n < 4100; n += 1) {
      const leafTag = new Uint8Array(16);
      new DataView(leafTag.buffer).setUint32(0, n);
      const leaf = { ...leafOf('bob', 0), leafTag, expiresAtMs: NOW + 1e9 };
      admissions = noteAdmissions(admissions, [leaf], [], { nowMs: NOW + n, epoch: BigInt(n), seq: n });
    }
    expect(admissions.leaves).toHaveLength(4096);
    // Those of NOW, +1, +2 and +3 are forgotten.
    expect(admissions.sinceMs).toBe(NOW + 4);
  });

  it('that joins anew keeps what it knew', () => {
    const old = came('bob', 1);
    const resumed = resumedAdmissions(old, NOW + 10, [leafOf('bob', 1), leafOf('carol', 2)]);
    expect(resumed.sinceMs).toBe(NOW + 10);
    expect(seenLeaf(resumed, tag(1))?.inviteId).toEqual(INVITE);
    expect(seenLeaf(resumed, tag(2))?.inviteId).toBeUndefined();
  });
});

describe('a decision', () => {
  const terms: InviteTerms = {
    channel: CHANNEL,
    groupId: utf8('group'),
    inviteId: INVITE,
    publicKey: new Uint8Array(32),
    approval: 'automatic',
    admit: 'members',
    maxUses: 2,
    expiresAtMs: NOW + 5000,
    issuer: utf8('alice'),
  };
  const verified = (changed: Partial<InviteTerms> = {}): VerifiedJoin => {
    return { terms: { ...terms, ...changed }, madeAtMs: NOW, leafTag: tag(7) };
  };
  const member = (name: string, leaf: number) => ({ identity: utf8(name), leaf, signatureKey: new Uint8Array(32) });
  const view = (admissions: Admissions, ...others: readonly string[]): JoinView => ({
    self: utf8('alice'),
    members: ['alice', ...others].map(member),
    admissions,
  });
  const decide = (
    admissions: Admissions,
    others: readonly string[] = [],
    changed: Partial<InviteTerms> = {},
    who = 'bob',
  ) => decideJoin(verified(changed), utf8(who), view(admissions, ...others));

  it('admits who is new', () => {
    expect(decide(FOUNDER_ADMISSIONS)).toEqual({ kind: 'admit', replaces: false });
  });

  it('leaves it to somebody where the invite says so', () => {
    expect(decide(FOUNDER_ADMISSIONS, [], { approval: 'manual' })).toEqual({ kind: 'ask', replaces: false });
  });

  it('leaves it to the issuer where the invite says so, and never decides on itself', () => {
    expect(decide(FOUNDER_ADMISSIONS, [], { admit: 'issuer', issuer: utf8('carol') })).toEqual({ kind: 'not-ours' });
    expect(decide(FOUNDER_ADMISSIONS, [], { admit: 'issuer' })).toEqual({ kind: 'admit', replaces: false });
    expect(decide(FOUNDER_ADMISSIONS, [], {}, 'alice')).toEqual({ kind: 'not-ours' });
  });

  it('is over for a key package that was added', () => {
    const seen = came('bob', 7);
    expect(decide(seen)).toEqual({ kind: 'done', leaf: seen.leaves[0] });
  });

  it('replaces who came by the same invite, and asks about who did not, or was removed since', () => {
    expect(decide(came('bob', 1), ['bob'])).toEqual({ kind: 'admit', replaces: true });
    expect(decide(came('bob', 1, OTHER_INVITE), ['bob'])).toEqual({ kind: 'ask', replaces: true });
    expect(decide(FOUNDER_ADMISSIONS, ['bob'])).toEqual({ kind: 'ask', replaces: true });
    expect(decide(came('bob', 1))).toEqual({ kind: 'ask', replaces: false });
  });

  it('remembers the invite of who got a fresh leaf without one', () => {
    const renewed = noteAdmissions(came('bob', 1), [leafOf('bob', 2, true)], [], at);
    expect(decide(renewed, ['bob'])).toEqual({ kind: 'admit', replaces: true });
    const addedAnew = noteAdmissions(came('bob', 1), [leafOf('bob', 2)], [], at);
    expect(decide(addedAnew, ['bob'])).toEqual({ kind: 'ask', replaces: true });
  });

  it('counts the uses that the invite has', () => {
    const one = came('carol', 1);
    const two = noteAdmissions(
      one,
      [leafOf('dave', 2)],
      [{ leafTag: tag(2), inviteId: INVITE, expiresAtMs: NOW + 5000 }],
      at,
    );
    expect(decide(one, ['carol'])).toEqual({ kind: 'admit', replaces: false });
    expect(decide(two, ['carol', 'dave'])).toEqual({ kind: 'exhausted' });
    expect(decide(two, ['carol', 'dave'], {}, 'dave')).toEqual({ kind: 'admit', replaces: true });
  });

  it('leaves requests from before its time to others', () => {
    expect(decide({ sinceMs: NOW + 1, leaves: [] })).toEqual({ kind: 'before-us', replaces: false });
    expect(decide({ sinceMs: NOW, leaves: [] })).toEqual({ kind: 'admit', replaces: false });
    expect(decide(NO_ADMISSIONS)).toEqual({ kind: 'before-us', replaces: false });
  });
});

/** The leaf that a key package becomes, seen in a group that nobody keeps. */
async function tagsOf(alice: Agent, keyPackage: Uint8Array): Promise<[NewLeaf]> {
  const staged = await alice.stage({ add: [keyPackage] }, 'public');
  const [leaf] = newLeaves(staged.next, alice.group);
  if (leaf === undefined) throw new Error('nobody was added');
  return [leaf];
}
