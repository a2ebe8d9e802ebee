import { describe, expect, test } from 'vitest';
import {
  createGroup,
  createMlsEngine,
  describeChange,
  epochAuthenticator,
  groupMembers,
  inspectMessage,
  readWelcome,
  settleCommit,
} from '../../src/mls/index.ts';
import type { Group, Member } from '../../src/mls/index.ts';
import { Agent, commit, defined, groupOf, NO_BYTES, NOW, text, utf8 } from './agents.ts';

const names = (members: readonly Member[]): string[] => members.map(({ identity }) => text(identity));

describe('a group', () => {
  test('starts in epoch 0 with its creator', async () => {
    const alice = await Agent.named('alice');
    await alice.create();
    expect(alice.group).toMatchObject({ epoch: 0n, ownLeaf: 0, isActive: true });
    expect(groupMembers(alice.group)).toEqual([
      { leaf: 0, identity: utf8('alice'), signatureKey: alice.keys.signaturePublicKey },
    ]);
  });

  test('gives all members the same epoch, members and authenticator', async () => {
    const agents = await groupOf('alice', 'bob', 'carol');
    for (const agent of agents) {
      expect(agent.group.epoch).toBe(1n);
      expect(names(groupMembers(agent.group))).toEqual(['alice', 'bob', 'carol']);
      expect(epochAuthenticator(agent.group)).toEqual(epochAuthenticator(agents[0].group));
    }
    expect(agents.map(({ group }) => group.ownLeaf)).toEqual([0, 1, 2]);
  });

  test('shows nothing of its state to those who look at the value', async () => {
    const [alice] = await groupOf('alice', 'bob');
    expect(Object.keys(alice.group).sort()).toEqual(['epoch', 'groupId', 'isActive', 'ownLeaf']);
  });

  test('refuses a value that only looks like a group', async () => {
    const engine = await createMlsEngine();
    const forged: Group = { groupId: NO_BYTES, epoch: 0n, ownLeaf: 0, isActive: true };
    expect(() => groupMembers(forged)).toThrow(expect.objectContaining({ code: 'invalid_argument' }));
    await expect(
      createGroup({ ...engine }, { groupId: NO_BYTES, keys: (await Agent.named('x')).keys, nowMs: NOW }),
    ).rejects.toMatchObject({ code: 'invalid_argument' });
  });
});

describe('a message', () => {
  test('reaches all others with its sender and its authenticated data', async () => {
    const [alice, bob, carol] = await groupOf('alice', 'bob', 'carol');
    const sent = await carol.send('good morning', 'seq 1');
    for (const agent of [alice, bob]) {
      const received = await agent.receive(sent);
      if (received.kind !== 'application') throw new Error(received.kind);
      expect(text(received.plaintext)).toBe('good morning');
      expect(text(received.authenticatedData)).toBe('seq 1');
      expect(received.sender).toEqual({
        leaf: 2,
        identity: utf8('carol'),
        signatureKey: carol.keys.signaturePublicKey,
      });
    }
  });

  test('shows in its header what the relay sorts by, and no more', async () => {
    const [alice] = await groupOf('alice', 'bob');
    const sent = await alice.send('a secret');
    expect(inspectMessage(sent)).toEqual({ kind: 'application', groupId: alice.group.groupId, epoch: 1n });
    expect(Buffer.from(sent).includes('a secret')).toBe(false);
  });

  test('is as long as others when it is short', async () => {
    const [alice] = await groupOf('alice', 'bob');
    expect((await alice.send('yes')).length).toBe((await alice.send('no, and here is why')).length);
  });

  test('is read late and out of order, each once', async () => {
    const [alice, bob] = await groupOf('alice', 'bob');
    const sent = [await alice.send('0'), await alice.send('1'), await alice.send('2'), await alice.send('3')];
    for (const index of [3, 0, 2, 1]) expect(await bob.read(defined(sent[index]))).toBe(String(index));
    for (const bytes of sent) await expect(bob.receive(bytes)).rejects.toMatchObject({ code: 'decryption_failure' });
  });

  test('of a past epoch is read up to four epochs later, with the sender of that time', async () => {
    const [alice, bob, carol] = await groupOf('alice', 'bob', 'carol');
    const late = await carol.send('see you');
    const tooLate = await carol.send('too late');
    await commit(alice, [bob], { leavers: [carol] });
    for (let epoch = 0; epoch < 3; epoch++) await commit(alice, [bob], { rotate: true });
    const received = await bob.receive(late);
    expect(received).toMatchObject({ kind: 'application', sender: { leaf: 2, identity: utf8('carol') } });
    await expect(bob.receive(late)).rejects.toMatchObject({ code: 'decryption_failure' });
    await commit(alice, [bob], { rotate: true });
    await expect(bob.receive(tooLate)).rejects.toMatchObject({
      code: 'epoch_mismatch',
      message: 'MLS engine error: The application message is of epoch 1; the group has moved on to epoch 6.',
    });
  });
});

describe('a commit', () => {
  test.each(['private', 'public'] as const)('adds, removes and renews keys (%s)', async (framing) => {
    const [alice, bob, carol] = await groupOf('alice', 'bob', 'carol');
    const dave = await Agent.named('dave', alice.engine);
    const before = alice.group;
    const staged = await commit(bob, [alice], { joiners: [dave], leavers: [carol] }, framing);
    expect(staged.epoch).toBe(1n);
    expect(inspectMessage(staged.commit)).toMatchObject({ kind: 'commit', epoch: 1n });
    const { added, removed, updated } = describeChange(before, alice.group);
    expect([names(added), names(removed), names(updated)]).toEqual([['dave'], ['carol'], ['bob']]);
    expect(added).toMatchObject([{ leaf: 2 }]);
    expect(removed).toMatchObject([{ leaf: 2 }]);
    for (const agent of [bob, dave]) expect(epochAuthenticator(agent.group)).toEqual(epochAuthenticator(alice.group));
  });

  test('names its committer to those who receive it', async () => {
    const [alice, bob] = await groupOf('alice', 'bob');
    const staged = await bob.stage({ rotate: true });
    expect(await alice.receive(staged.commit)).toMatchObject({ kind: 'commit', committer: { identity: utf8('bob') } });
  });

  test("of an add alone leaves the committer's keys, unless they are to be renewed", async () => {
    const [alice, bob] = await groupOf('alice', 'bob');
    const [carol, dave] = [await Agent.named('carol', alice.engine), await Agent.named('dave', alice.engine)];
    const first = alice.group;
    await commit(bob, [alice], { joiners: [carol] });
    expect(names(describeChange(first, alice.group).updated)).toEqual([]);
    const second = alice.group;
    await commit(bob, [alice, carol], { joiners: [dave], rotate: true });
    expect(names(describeChange(second, alice.group).updated)).toEqual(['bob']);
    expect(await carol.read(await dave.send('hello'))).toBe('hello');
  });

  test('may remove an agent and add it again', async () => {
    const [alice, bob, carol] = await groupOf('alice', 'bob', 'carol');
    const before = alice.group;
    const again = await Agent.named('bob', alice.engine);
    const bundle = await again.keyPackage();
    const staged = await alice.stage({ add: [bundle.keyPackage], remove: [alice.leafOf(bob)] });
    alice.group = staged.next;
    await carol.receive(staged.commit);
    await again.join(defined(staged.welcome), bundle);
    const { added, removed } = describeChange(before, alice.group);
    expect([names(added), names(removed)]).toEqual([['bob'], ['bob']]);
    expect(await carol.read(await again.send('I am back'))).toBe('I am back');
  });

  test('has a Welcome for each who was added, in order', async () => {
    const [alice] = await groupOf('alice');
    const joiners = [await Agent.named('bob', alice.engine), await Agent.named('carol', alice.engine)];
    const bundles = await Promise.all(joiners.map((joiner) => joiner.keyPackage()));
    const staged = await alice.stage({ add: bundles.map(({ keyPackage }) => keyPackage) });
    expect(staged.welcomeRefs).toEqual(bundles.map(({ ref }) => ref));
    expect(readWelcome(alice.engine, defined(staged.welcome)).refs).toEqual(staged.welcomeRefs);
    expect((await alice.stage({ rotate: true })).welcome).toBeUndefined();
  });

  test('that loses a race leaves its maker able to follow the winner', async () => {
    const [alice, bob] = await groupOf('alice', 'bob');
    await alice.stage({ rotate: true });
    const winner = await bob.stage({ rotate: true });
    bob.group = winner.next;
    await alice.receive(winner.commit);
    expect(await alice.read(await bob.send('I won'))).toBe('I won');
  });

  test('of a second attempt is readable in public framing by those who read the first', async () => {
    const [alice, bob] = await groupOf('alice', 'bob');
    const first = await alice.stage({ rotate: true }, 'private');
    const beforeFirst = bob.group;
    await bob.receive(first.commit);
    bob.group = beforeFirst;
    const second = await alice.stage({ rotate: true }, 'public');
    await bob.receive(second.commit);
    expect(epochAuthenticator(bob.group)).toEqual(epochAuthenticator(second.next));
  });

  test('that is settled lets no message be read twice', async () => {
    const [alice, bob] = await groupOf('alice', 'bob');
    const staged = await alice.stage({ rotate: true });
    const sent = await bob.send('while the commit was under way');
    const unread = await bob.send('still to come');
    await alice.read(sent);
    const settled = settleCommit(alice.group, staged.next);
    expect(epochAuthenticator(settled)).toEqual(epochAuthenticator(staged.next));
    alice.group = settled;
    await expect(alice.receive(sent)).rejects.toMatchObject({ code: 'decryption_failure' });
    expect(await alice.read(unread)).toBe('still to come');
    expect(() => settleCommit(settled, settled)).toThrow(expect.objectContaining({ code: 'invalid_argument' }));
  });
});

describe('a removed member', () => {
  test('learns of it and cannot read on', async () => {
    const [alice, bob, carol] = await groupOf('alice', 'bob', 'carol');
    const { commit: removal } = await commit(alice, [bob], { leavers: [carol] });
    const later = await alice.send('now that carol is gone');
    const before = carol.group;
    await expect(carol.receive(later)).rejects.toMatchObject({ code: 'epoch_mismatch' });
    await carol.receive(removal);
    expect(carol.group.isActive).toBe(false);
    expect(names(describeChange(before, carol.group).removed)).toEqual(['carol']);
    expect(names(groupMembers(carol.group))).toEqual(['alice', 'bob']);
    for (const attempt of [carol.receive(later), carol.send('still here'), carol.stage({ rotate: true })]) {
      await expect(attempt).rejects.toMatchObject({ code: 'removed_from_group' });
    }
    expect(await bob.read(later)).toBe('now that carol is gone');
  });
});
