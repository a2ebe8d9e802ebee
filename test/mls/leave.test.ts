import { describe, expect, test } from 'vitest';
import {
  decodeGroup,
  encodeGroup,
  epochAuthenticator,
  groupMembers,
  inspectMessage,
  leavingMembers,
  proposeLeave,
  settleCommit,
} from '../../src/mls/index.ts';
import type { CommitFraming, Group, GroupChange } from '../../src/mls/index.ts';
import { Agent, commit, defined, groupOf, NOW, text } from './agents.ts';
import { LibraryMember } from './library-member.ts';

const names = (group: Group): string[] => groupMembers(group).map(({ identity }) => text(identity));
const leaving = (agent: Agent): string[] => leavingMembers(agent.group).map(({ identity }) => text(identity));

/** `leaver` asks to go, `others` hear of it. */
async function leave(leaver: Agent, others: readonly Agent[], framing?: CommitFraming): Promise<Uint8Array> {
  const { group, proposal } = await proposeLeave(leaver.engine, leaver.group, framing);
  leaver.group = group;
  for (const other of others) await other.receive(proposal);
  return proposal;
}

/** `committer` makes this change, `others` follow it. */
async function apply(committer: Agent, others: readonly Agent[], change: GroupChange): Promise<Uint8Array> {
  const staged = await committer.stage(change);
  for (const other of others) await other.receive(staged.commit);
  committer.group = staged.next;
  return staged.commit;
}

describe('a member that wants to leave', () => {
  test.each(['private', 'public'] as const)('is named to the others (%s)', async (framing) => {
    const [alice, bob, carol] = await groupOf('alice', 'bob', 'carol');
    const { group, proposal } = await proposeLeave(carol.engine, carol.group, framing);
    carol.group = group;
    expect(inspectMessage(proposal)).toMatchObject({ kind: 'proposal', epoch: 1n });
    for (const agent of [alice, bob]) {
      expect(await agent.receive(proposal)).toMatchObject({
        kind: 'leave-proposed',
        leaf: 2,
        member: { leaf: 2, identity: carol.keys.identity },
      });
      expect(leaving(agent)).toEqual(['carol']);
    }
    expect(leaving(carol)).toEqual(['carol']);
  });

  test('is removed by the next commit, whatever that is made for', async () => {
    const changes: ((alice: Agent) => Promise<GroupChange>)[] = [
      () => Promise.resolve({}),
      () => Promise.resolve({ rotate: true }),
      () => Promise.resolve({ remove: [2] }),
      async (alice) => ({ add: [(await (await Agent.named('dave', alice.engine)).keyPackage()).keyPackage] }),
    ];
    for (const change of changes) {
      const [alice, bob, carol] = await groupOf('alice', 'bob', 'carol');
      await leave(carol, [alice, bob]);
      const removal = await apply(alice, [bob], await change(alice));
      for (const agent of [alice, bob]) {
        expect(names(agent.group)).not.toContain('carol');
        expect(leaving(agent)).toEqual([]);
      }
      await carol.receive(removal);
      expect(carol.group.isActive).toBe(false);
      expect(await bob.read(await alice.send('among us'))).toBe('among us');
    }
  });

  test('does not silence anybody until then', async () => {
    const [alice, bob, carol] = await groupOf('alice', 'bob', 'carol');
    await leave(carol, [alice, bob]);
    const said = await alice.send('still three');
    expect(await bob.read(said)).toBe('still three');
    expect(await carol.read(said)).toBe('still three');
    expect(await alice.read(await carol.send('one last thing'))).toBe('one last thing');
    expect(leaving(alice)).toEqual(['carol']);
  });

  test('leaves with others, in whatever order their wishes arrive', async () => {
    const [alice, bob, carol, dave] = await groupOf('alice', 'bob', 'carol', 'dave');
    const first = await proposeLeave(carol.engine, carol.group);
    const second = await proposeLeave(dave.engine, dave.group);
    for (const bytes of [first.proposal, second.proposal]) await alice.receive(bytes);
    for (const bytes of [second.proposal, first.proposal]) await bob.receive(bytes);
    expect([leaving(alice), leaving(bob)]).toEqual([
      ['carol', 'dave'],
      ['carol', 'dave'],
    ]);
    await apply(bob, [alice], {});
    expect(names(alice.group)).toEqual(['alice', 'bob']);
    expect(epochAuthenticator(alice.group)).toEqual(epochAuthenticator(bob.group));
  });

  test('is not forgotten over a commit whose maker had not heard of it', async () => {
    const [alice, bob, carol] = await groupOf('alice', 'bob', 'carol');
    const staged = await alice.stage({ rotate: true });
    await leave(carol, [alice, bob]);
    await bob.receive(staged.commit);
    await carol.receive(staged.commit);
    alice.group = settleCommit(alice.group, staged.next);
    for (const agent of [alice, bob, carol]) expect(leaving(agent)).toEqual(['carol']);
    await apply(bob, [alice], {});
    for (const agent of [alice, bob]) expect(names(agent.group)).toEqual(['alice', 'bob']);
  });

  test('is still removed after a lost race', async () => {
    const [alice, bob, carol] = await groupOf('alice', 'bob', 'carol');
    const rotation = await bob.stage({ rotate: true });
    await leave(carol, [alice, bob]);
    await alice.stage({});
    await alice.receive(rotation.commit);
    bob.group = settleCommit(bob.group, rotation.next);
    await carol.receive(rotation.commit);
    await apply(alice, [bob], {});
    expect(names(bob.group)).toEqual(['alice', 'bob']);
  });

  test('asks again in vain once its epoch is over, but loses nothing by it', async () => {
    const [alice, bob, carol] = await groupOf('alice', 'bob', 'carol');
    const { proposal } = await proposeLeave(carol.engine, carol.group);
    await commit(alice, [bob], { rotate: true });
    await expect(bob.receive(proposal)).rejects.toMatchObject({ code: 'epoch_mismatch' });
    expect(leaving(bob)).toEqual([]);
  });

  test('is remembered by a stored group, and by one that was stored an epoch later', async () => {
    const [alice, bob, carol] = await groupOf('alice', 'bob', 'carol');
    const rotation = await bob.stage({ rotate: true });
    await leave(carol, [alice, bob]);
    alice.group = decodeGroup(alice.engine, encodeGroup(alice.group));
    expect(leaving(alice)).toEqual(['carol']);
    await alice.receive(rotation.commit);
    alice.group = decodeGroup(alice.engine, encodeGroup(alice.group));
    bob.group = settleCommit(bob.group, rotation.next);
    expect(leaving(alice)).toEqual(['carol']);
    await apply(alice, [bob], {});
    expect(names(bob.group)).toEqual(['alice', 'bob']);
  });

  test('may come back: the wish was that of the old leaf', async () => {
    const [alice, bob, carol] = await groupOf('alice', 'bob', 'carol');
    await leave(carol, [alice, bob]);
    const bundle = await carol.keyPackage();
    const staged = await alice.stage({ replace: [bundle.keyPackage] });
    alice.group = staged.next;
    await bob.receive(staged.commit);
    await carol.join(defined(staged.welcome), bundle);
    for (const agent of [alice, bob, carol]) expect(leaving(agent)).toEqual([]);
    await commit(bob, [alice, carol], { rotate: true });
    expect(names(alice.group)).toEqual(['alice', 'bob', 'carol']);
  });

  test('may commit for others, and stays in the list while it is there', async () => {
    const [alice, bob, carol] = await groupOf('alice', 'bob', 'carol');
    await leave(carol, [alice, bob]);
    await expect(carol.stage({})).rejects.toMatchObject({ code: 'invalid_argument' });
    await apply(carol, [alice, bob], { rotate: true });
    expect(leaving(alice)).toEqual(['carol']);
    await apply(bob, [alice], {});
    expect(names(alice.group)).toEqual(['alice', 'bob']);
  });

  test('cannot read what comes after, with its whole state', async () => {
    const [alice, bob, carol] = await groupOf('alice', 'bob', 'carol');
    await leave(carol, [alice, bob]);
    const whole = carol.group;
    const removal = await apply(alice, [bob], {});
    const later = await alice.send('now that carol is gone');
    await expect(carol.receive(later)).rejects.toMatchObject({ code: 'epoch_mismatch' });
    await carol.receive(removal);
    await expect(carol.receive(later)).rejects.toMatchObject({ code: 'removed_from_group' });
    expect(await bob.read(later)).toBe('now that carol is gone');
    carol.group = whole;
    await expect(carol.receive(later)).rejects.toMatchObject({ code: 'epoch_mismatch' });
  });
});

describe('a proposal that travels alone is refused', () => {
  test('where it is our own, was seen before, or is of another group', async () => {
    const [alice, bob, carol] = await groupOf('alice', 'bob', 'carol');
    const proposal = await leave(carol, [alice, bob]);
    for (const agent of [alice, carol]) {
      await expect(agent.receive(proposal)).rejects.toMatchObject({ code: 'decryption_failure' });
    }
    const inPublic = await leave(carol, [alice, bob], 'public');
    await expect(carol.receive(inPublic)).rejects.toMatchObject({ code: 'decryption_failure' });
    const [stranger] = await groupOf('stranger', 'other');
    await expect(stranger.receive(proposal)).rejects.toMatchObject({ code: 'decryption_failure' });
  });

  test('and a second wish takes no room', async () => {
    const [alice, bob] = await groupOf('alice', 'bob');
    await leave(bob, [alice]);
    const { length } = encodeGroup(alice.group);
    for (let again = 0; again < 3; again++) await leave(bob, [alice], again === 1 ? 'public' : 'private');
    expect(encodeGroup(alice.group).length).toBe(length);
    expect(leaving(alice)).toEqual(['bob']);
  });

  test('where it is about somebody else, or about something else', async () => {
    const { alice, theirs } = await withTheirs();
    const before = encodeGroup(alice.group);
    const proposals = [
      { proposalType: 'remove' as const, remove: { removed: 0 } },
      { proposalType: 'add' as const, add: { keyPackage: await theirs.recruit('mallory') } },
    ];
    for (const proposal of proposals) {
      for (const isPublic of [true, false]) {
        const bytes = await theirs.propose(proposal, isPublic);
        await expect(alice.receive(bytes)).rejects.toMatchObject({
          code: 'decryption_failure',
          message:
            'MLS engine error: The message was refused: it is a proposal that travels alone and is not to leave.',
        });
      }
    }
    expect(encodeGroup(alice.group)).toEqual(before);
  });
});

/** alice, bob, and a member that the library runs. */
async function withTheirs(): Promise<{ alice: Agent; bob: Agent; theirs: LibraryMember }> {
  const [alice, bob] = await groupOf('alice', 'bob');
  const theirs = await LibraryMember.named('theirs', NOW - 1000);
  const staged = await alice.stage({ add: [theirs.keyPackage] });
  alice.group = staged.next;
  await bob.receive(staged.commit);
  await theirs.join(defined(staged.welcome));
  return { alice, bob, theirs };
}

describe('with a member that the library runs', () => {
  test('a wish that is repeated in the next epoch is understood by reference', async () => {
    const { alice, bob, theirs } = await withTheirs();
    const rotation = await alice.stage({ rotate: true });
    await leave(bob, [alice]);
    alice.group = settleCommit(alice.group, rotation.next);
    for (const agent of [bob, theirs]) await agent.receive(rotation.commit);
    await theirs.receive(await leave(bob, [alice]));
    const removal = await theirs.commit([], false);
    await alice.receive(removal.commit);
    expect(names(alice.group)).toEqual(['alice', 'theirs']);
  });

  test.each([true, false])('its wish to leave is understood (public: %s)', async (isPublic) => {
    const { alice, bob, theirs } = await withTheirs();
    const wish = await theirs.propose({ proposalType: 'remove', remove: { removed: 2 } }, isPublic);
    for (const agent of [alice, bob])
      expect(await agent.receive(wish)).toMatchObject({ kind: 'leave-proposed', leaf: 2 });
    const removal = await apply(bob, [alice], {});
    await theirs.receive(removal);
    expect(theirs.state.groupActiveState.kind).toBe('removedFromGroup');
  });

  test.each(['private', 'public'] as const)(
    'its commit of our wish by reference is understood (%s)',
    async (framing) => {
      const { alice, bob, theirs } = await withTheirs();
      const { group, proposal } = await proposeLeave(bob.engine, bob.group, framing);
      bob.group = group;
      await alice.receive(proposal);
      await theirs.receive(proposal);
      const removal = await theirs.commit([], false);
      await alice.receive(removal.commit);
      await bob.receive(removal.commit);
      expect(names(alice.group)).toEqual(['alice', 'theirs']);
      expect(bob.group.isActive).toBe(false);
      expect(theirs.state.keySchedule.epochAuthenticator).toEqual(epochAuthenticator(alice.group));
    },
  );
});
