import { describe, expect, test } from 'vitest';
import {
  createKeyPackage,
  createMlsEngine,
  decodeGroup,
  encodeGroup,
  epochAuthenticator,
  joinGroup,
} from '../../src/mls/index.ts';
import { decodeKeyPackageMessage } from '../../src/mls/key-package.ts';
import { Agent, commit, defined, gather, NOW, text, utf8 } from './agents.ts';
import { LibraryMember } from './library-member.ts';

/** alice on our steps and a member that the library runs, in one group. */
async function pair(): Promise<{ alice: Agent; theirs: LibraryMember }> {
  const alice = await Agent.named('alice');
  await alice.create();
  const theirs = await LibraryMember.named('theirs', NOW - 1000);
  const staged = await alice.stage({ add: [theirs.keyPackage] });
  alice.group = staged.next;
  await theirs.join(defined(staged.welcome));
  return { alice, theirs };
}

describe('with a member that the library runs', () => {
  test('messages are understood both ways', async () => {
    const { alice, theirs } = await pair();
    expect(text(defined(await theirs.receive(await alice.send('from ours'))))).toBe('from ours');
    const received = await alice.receive(await theirs.send(utf8('from theirs'), utf8('data')));
    expect(received).toMatchObject({
      kind: 'application',
      plaintext: utf8('from theirs'),
      authenticatedData: utf8('data'),
      sender: { leaf: 1, identity: utf8('theirs') },
    });
  });

  test.each([
    ['private', false],
    ['public', true],
  ] as const)('%s commits are understood both ways', async (framing, isPublic) => {
    const { alice, theirs } = await pair();
    const bob = await Agent.named('bob', alice.engine);
    const ours = await commit(alice, [], { joiners: [bob], rotate: true }, framing);
    await theirs.receive(ours.commit);
    expect(theirs.state.keySchedule.epochAuthenticator).toEqual(epochAuthenticator(alice.group));
    const { commit: removal } = await theirs.commit([{ proposalType: 'remove', remove: { removed: 2 } }], isPublic);
    await alice.receive(removal);
    await bob.receive(removal);
    expect(bob.group.isActive).toBe(false);
    expect(theirs.state.keySchedule.epochAuthenticator).toEqual(epochAuthenticator(alice.group));
  });

  test('their Welcome, signed after a path commit, leads us into the group', async () => {
    const { alice, theirs } = await pair();
    // The library's commits look at the machine's clock, so this key package has to be of today.
    const machineNow = new Date();
    const carol = await Agent.named('carol', alice.engine);
    const bundle = await createKeyPackage(carol.engine, carol.keys, machineNow.getTime());
    const renewal = await theirs.commit([], false);
    await alice.receive(renewal.commit);
    const keyPackage = decodeKeyPackageMessage(bundle.keyPackage);
    const addition = await theirs.commit([{ proposalType: 'add', add: { keyPackage } }], false);
    await alice.receive(addition.commit);
    carol.group = await joinGroup(carol.engine, {
      welcome: defined(addition.welcome),
      bundle,
      keys: carol.keys,
      nowMs: NOW,
    });
    expect(await alice.read(await carol.send('in'))).toBe('in');
    expect(text(defined(await theirs.receive(await carol.send('in'))))).toBe('in');
  });
});

describe('the two crypto providers', () => {
  test.each([
    ['node', 'web'],
    ['web', 'node'],
    ['web', 'web'],
  ] as const)('work in one group: %s creates, %s joins', async (creator, joiner) => {
    const first = await createMlsEngine({ cryptoProvider: creator });
    const second = await createMlsEngine({ cryptoProvider: joiner });
    const [alice, bob] = [await Agent.named('alice', first), await Agent.named('bob', second)];
    await gather(alice, bob);
    expect(await bob.read(await alice.send('there'))).toBe('there');
    expect(await alice.read(await bob.send('and back'))).toBe('and back');
    const carol = await Agent.named('carol', first);
    await commit(bob, [alice], { joiners: [carol], rotate: true });
    await commit(alice, [bob], { leavers: [carol] });
    expect(epochAuthenticator(alice.group)).toEqual(epochAuthenticator(bob.group));
  });

  test('take over from each other in the middle of a group', async () => {
    const node = await createMlsEngine({ cryptoProvider: 'node' });
    const web = await createMlsEngine({ cryptoProvider: 'web' });
    const [alice, bob] = [await Agent.named('alice', web), await Agent.named('bob', node)];
    await gather(alice, bob);
    alice.group = decodeGroup(node, encodeGroup(alice.group));
    bob.group = decodeGroup(web, encodeGroup(bob.group));
    expect(await bob.read(await alice.send('changed'))).toBe('changed');
    await commit(alice, [bob], { rotate: true });
    expect(await alice.read(await bob.send('and again'))).toBe('and again');
  });
});
