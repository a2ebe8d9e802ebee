import { describe, expect, test } from 'vitest';
import {
  createGroupInfoWithExternalPubAndRatchetTree,
  decodeMlsMessage,
  emptyPskIndex,
  encodeMlsMessage,
  joinGroupExternal,
  processPrivateMessage,
} from 'ts-mls';
import { signKeyPackage } from 'ts-mls/keyPackage.js';
import { signLeafNodeKeyPackage } from 'ts-mls/leafNode.js';
import { decodeKeyPackageSecret } from '../../src/mls/key-package-secret.ts';
import { decodeKeyPackageMessage } from '../../src/mls/key-package.ts';
import { stateOf } from '../../src/mls/group-state.ts';
import { engineParts } from '../../src/mls/engine.ts';
import { describeChange, epochAuthenticator, groupMembers, receiveMessage } from '../../src/mls/index.ts';
import type { KeyPackageBundle } from '../../src/mls/index.ts';
import { Agent, commit, defined, groupOf, text } from './agents.ts';

const names = (agent: Agent): string[] => groupMembers(agent.group).map(({ identity }) => text(identity));

/** `committer` replaces the leaf of whoever owns `bundle`, `others` follow. Returns commit and Welcome. */
async function replace(
  committer: Agent,
  others: readonly Agent[],
  bundle: KeyPackageBundle,
): Promise<{ readonly commit: Uint8Array; readonly welcome: Uint8Array }> {
  const staged = await committer.stage({ replace: [bundle.keyPackage] });
  for (const other of others) await other.receive(staged.commit);
  committer.group = staged.next;
  expect(staged.welcomeRefs).toEqual([bundle.ref]);
  return { commit: staged.commit, welcome: defined(staged.welcome) };
}

describe('a member that has lost its state', () => {
  test('comes back with a new leaf, and the old one is gone in the same commit', async () => {
    const [alice, bob, carol] = await groupOf('alice', 'bob', 'carol');
    const before = alice.group;
    const bundle = await bob.keyPackage();
    const { welcome } = await replace(alice, [carol], bundle);
    expect(alice.group.epoch).toBe(before.epoch + 1n);
    await bob.join(welcome, bundle);
    expect(names(alice).sort()).toEqual(['alice', 'bob', 'carol']);
    expect(epochAuthenticator(bob.group)).toEqual(epochAuthenticator(carol.group));
    const { added, removed, updated, keyChanged } = describeChange(before, alice.group);
    expect([added, removed, updated].map((list) => list.map(({ identity }) => text(identity)))).toEqual([
      ['bob'],
      ['bob'],
      ['alice'],
    ]);
    expect(keyChanged).toEqual([]);
    expect(await carol.read(await bob.send('back'))).toBe('back');
    await commit(bob, [alice, carol], { rotate: true });
    expect(await bob.read(await alice.send('welcome back'))).toBe('welcome back');
  });

  test('may come back with another signature key, which the others are told', async () => {
    const [alice, bob, carol] = await groupOf('alice', 'bob', 'carol');
    const again = await Agent.named('bob', alice.engine);
    const bundle = await again.keyPackage();
    const staged = await alice.stage({ replace: [bundle.keyPackage] });
    const received = await carol.receive(staged.commit);
    expect(received).toMatchObject({
      kind: 'commit',
      keyChanged: [
        { identity: bob.keys.identity, before: bob.keys.signaturePublicKey, after: again.keys.signaturePublicKey },
      ],
    });
  });

  test('whose place is taken by another member is replaced all the same', async () => {
    const [alice, bob, carol] = await groupOf('alice', 'bob', 'carol');
    const dave = await Agent.named('dave', alice.engine);
    // A blank leaf to the left of carol's, so that she comes back in another place than hers.
    await commit(alice, [carol], { leavers: [bob] });
    const [daves, carols] = [await dave.keyPackage(), await carol.keyPackage()];
    const staged = await alice.stage({ add: [daves.keyPackage], replace: [carols.keyPackage] });
    alice.group = staged.next;
    expect(staged.welcomeRefs).toEqual([daves.ref, carols.ref]);
    await dave.join(defined(staged.welcome), daves);
    await carol.join(defined(staged.welcome), carols);
    expect(groupMembers(alice.group).map(({ identity, leaf }) => [text(identity), leaf])).toEqual([
      ['alice', 0],
      ['dave', 1],
      ['carol', 2],
    ]);
    expect(await dave.read(await carol.send('here'))).toBe('here');
  });
});

describe('the old instance of a replaced member', () => {
  test.each(['private', 'public'] as const)(
    'learns that it is out, though its leaf is in use (%s)',
    async (framing) => {
      const [alice, bob, carol] = await groupOf('alice', 'bob', 'carol');
      const bundle = await bob.keyPackage();
      const staged = await alice.stage({ replace: [bundle.keyPackage] }, framing);
      const before = bob.group;
      const received = await bob.receive(staged.commit);
      expect(received).toMatchObject({ kind: 'commit', committer: { identity: alice.keys.identity } });
      expect(bob.group).toMatchObject({ isActive: false, epoch: 1n, ownLeaf: 1 });
      expect(describeChange(before, bob.group).removed).toMatchObject([{ leaf: 1, identity: bob.keys.identity }]);
      await expect(bob.send('still here')).rejects.toMatchObject({ code: 'removed_from_group' });
      await carol.receive(staged.commit);
      expect(names(carol)).toEqual(['alice', 'bob', 'carol']);
    },
  );

  test('cannot read what comes after, with its whole state', async () => {
    const [alice, bob, carol] = await groupOf('alice', 'bob', 'carol');
    const whole = bob.group;
    const bundle = await bob.keyPackage();
    const replacement = await replace(alice, [carol], bundle);
    const next = await commit(carol, [alice], { rotate: true });
    const later = [await alice.send('to the new bob'), await carol.send('to the new bob, too')];
    for (const bytes of [...later, next.commit]) {
      await expect(receiveMessage(bob.engine, whole, bytes)).rejects.toMatchObject({ code: 'epoch_mismatch' });
    }
    const { group } = await receiveMessage(bob.engine, whole, replacement.commit);
    for (const bytes of [...later, next.commit]) {
      await expect(receiveMessage(bob.engine, group, bytes)).rejects.toMatchObject({ code: 'removed_from_group' });
    }
    // Nor do the keys alone, without our checks in front of them.
    const { crypto } = engineParts(bob.engine);
    for (const bytes of later) {
      const message = defined(decodeMlsMessage(bytes, 0))[0];
      if (message.wireformat !== 'mls_private_message') throw new Error(message.wireformat);
      const { privateMessage } = message;
      const state = stateOf(whole);
      const forced = { ...state, groupContext: { ...state.groupContext, epoch: privateMessage.epoch } };
      await expect(processPrivateMessage(forced, privateMessage, emptyPskIndex, crypto)).rejects.toThrow();
    }
  });
});

describe('commitChange', () => {
  test('adds who is to be replaced and is no member, unless it is told to refuse', async () => {
    const [alice, bob] = await groupOf('alice', 'bob');
    const dave = await Agent.named('dave', alice.engine);
    const bundle = await dave.keyPackage();
    await expect(alice.stage({ replace: [bundle.keyPackage], ifAbsent: 'refuse' })).rejects.toMatchObject({
      code: 'mls_error',
      message: 'MLS engine error: The change cannot be committed: an identity to be replaced is not a member.',
    });
    const { welcome } = await replace(alice, [bob], bundle);
    await dave.join(welcome, bundle);
    expect(await bob.read(await dave.send('in'))).toBe('in');
  });

  test('refuses to bring back whom the winner of a race has removed', async () => {
    const [alice, bob, carol] = await groupOf('alice', 'bob', 'carol');
    const change = { replace: [(await carol.keyPackage()).keyPackage], ifAbsent: 'refuse' as const };
    await alice.stage(change);
    const winner = await bob.stage({ remove: [bob.leafOf(carol)] });
    await alice.receive(winner.commit);
    await expect(alice.stage(change)).rejects.toMatchObject({ code: 'mls_error' });
  });

  test('refuses to replace ourselves, and one identity twice', async () => {
    const [alice, bob] = await groupOf('alice', 'bob');
    const own = (await alice.keyPackage()).keyPackage;
    await expect(alice.stage({ replace: [own] })).rejects.toMatchObject({ code: 'invalid_argument' });
    const twice = [(await bob.keyPackage()).keyPackage, (await bob.keyPackage()).keyPackage];
    await expect(alice.stage({ replace: twice })).rejects.toMatchObject({ code: 'mls_error' });
    await expect(alice.stage({ replace: twice.slice(0, 1), add: twice.slice(1) })).rejects.toMatchObject({
      code: 'mls_error',
    });
  });

  test('removes once who is named in several ways', async () => {
    const [alice, bob, carol] = await groupOf('alice', 'bob', 'carol');
    const bundle = await carol.keyPackage();
    const staged = await alice.stage({ replace: [bundle.keyPackage], remove: [alice.leafOf(carol)] });
    await bob.receive(staged.commit);
    expect(names(bob)).toEqual(['alice', 'bob', 'carol']);
  });

  test('refuses an encryption key that is in the tree already', async () => {
    const [alice, bob] = await groupOf('alice', 'bob');
    const bobs = decodeKeyPackageMessage((await bob.keyPackage()).keyPackage);
    const { crypto } = engineParts(alice.engine);
    const mallory = await Agent.named('mallory', alice.engine);
    const tree = stateOf(alice.group).ratchetTree;
    const taken = defined(tree[2]);
    if (taken.nodeType !== 'leaf') throw new Error(taken.nodeType);
    const leafNode = await signLeafNodeKeyPackage(
      {
        ...bobs.leafNode,
        hpkePublicKey: taken.leaf.hpkePublicKey,
        credential: { credentialType: 'basic', identity: mallory.keys.identity },
        signaturePublicKey: mallory.keys.signaturePublicKey,
      },
      mallory.keys.signaturePrivateKey,
      crypto.signature,
    );
    const keyPackage = await signKeyPackage({ ...bobs, leafNode }, mallory.keys.signaturePrivateKey, crypto.signature);
    const bytes = encodeMlsMessage({ version: 'mls10', wireformat: 'mls_key_package', keyPackage });
    await expect(alice.stage({ add: [bytes] })).rejects.toMatchObject({
      code: 'mls_error',
      message: 'MLS engine error: The change cannot be committed: two nodes have one encryption key.',
    });
  });
});

test('an external commit is refused, also one that would only bring its own leaf back', async () => {
  const [alice, bob] = await groupOf('alice', 'bob');
  const { crypto, config } = engineParts(alice.engine);
  const groupInfo = await createGroupInfoWithExternalPubAndRatchetTree(stateOf(alice.group), [], crypto);
  const bundle = await bob.keyPackage();
  const { publicMessage } = await joinGroupExternal(
    groupInfo,
    decodeKeyPackageMessage(bundle.keyPackage),
    { ...decodeKeyPackageSecret(bundle.secret), signaturePrivateKey: bob.keys.signaturePrivateKey },
    true,
    crypto,
    undefined,
    config,
  );
  const bytes = encodeMlsMessage({ version: 'mls10', wireformat: 'mls_public_message', publicMessage });
  await expect(alice.receive(bytes)).rejects.toMatchObject({
    code: 'decryption_failure',
    message: 'MLS engine error: The message was refused: its sender is not a member.',
  });
});
