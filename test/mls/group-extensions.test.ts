import { describe, expect, test } from 'vitest';
import { encodeRequiredCapabilities } from 'ts-mls/requiredCapabilities.js';
import type { Extension, Proposal } from 'ts-mls';
import { equalBytes } from '../../src/base/bytes.ts';
import {
  createKeyPackage,
  createMlsEngine,
  decodeGroup,
  encodeGroup,
  epochAuthenticator,
  groupExtensions,
  leavingMembers,
  proposeLeave,
} from '../../src/mls/index.ts';
import { decodeKeyPackageMessage } from '../../src/mls/key-package.ts';
import { Agent, commit, defined, gather, NOW, text, utf8 } from './agents.ts';
import { LibraryMember } from './library-member.ts';

const TYPE = 0xf0aa;
const TOPIC = { type: TYPE, data: utf8('the weather') };
const REQUIRED = { type: 3, data: required([TYPE]) };

function required(extensionTypes: number[]): Uint8Array {
  return encodeRequiredCapabilities({ extensionTypes, proposalTypes: [], credentialTypes: ['basic'] });
}

/** Members of one group whose application understands {@link TYPE}. */
async function informed(...names: readonly [string, ...string[]]): Promise<[Agent, ...Agent[]]> {
  const engine = await createMlsEngine({ extensionTypes: [TYPE] });
  const agents = (await Promise.all(names.map((name) => Agent.named(name, engine)))) as [Agent, ...Agent[]];
  await gather(...agents);
  return agents;
}

async function agreeOn(committer: Agent, others: readonly Agent[], framing: 'private' | 'public'): Promise<void> {
  const staged = await committer.stage({ extensions: [TOPIC, REQUIRED] }, framing);
  committer.group = staged.next;
  for (const agent of others) await agent.receive(staged.commit);
}

describe('a change of the extensions', () => {
  test.each(['private', 'public'] as const)('by a %s commit is known to all, and to who joins', async (framing) => {
    const [alice, bob = alice] = await informed('alice', 'bob');
    const authenticator = epochAuthenticator(alice.group);
    await agreeOn(alice, [bob], framing);
    const dave = await Agent.named('dave', alice.engine);
    await commit(bob, [alice], { joiners: [dave], rotate: true });
    for (const { group, engine } of [alice, bob, dave]) {
      expect(groupExtensions(group)).toEqual([TOPIC, REQUIRED]);
      expect(epochAuthenticator(group)).toEqual(epochAuthenticator(alice.group));
      expect(groupExtensions(decodeGroup(engine, encodeGroup(group)))).toEqual([TOPIC, REQUIRED]);
    }
    expect(epochAuthenticator(alice.group)).not.toEqual(authenticator);
    expect(await alice.read(await dave.send('what about it?'))).toBe('what about it?');
  });

  test('renews the keys of its committer, as the RFC demands', async () => {
    const [alice, bob = alice] = await informed('alice', 'bob');
    const { commit: change, next } = await alice.stage({ extensions: [TOPIC] });
    const received = await bob.receive(change);
    expect(received.kind).toBe('commit');
    // A second path on the renewed keys: both sides have the new private keys, not only the new epoch.
    alice.group = next;
    await commit(bob, [alice], { rotate: true });
    expect(epochAuthenticator(alice.group)).toEqual(epochAuthenticator(bob.group));
  });

  test('leaves who asks to go to the next commit', async () => {
    const [alice, bob = alice, carol = alice] = await informed('alice', 'bob', 'carol');
    const { group, proposal } = await proposeLeave(carol.engine, carol.group);
    carol.group = group;
    await alice.receive(proposal);
    await bob.receive(proposal);
    await agreeOn(alice, [bob, carol], 'private');
    expect(leavingMembers(bob.group).map(({ leaf }) => leaf)).toEqual([alice.leafOf(carol)]);
    await commit(bob, [alice, carol], {});
    expect(carol.group.isActive).toBe(false);
    expect(groupExtensions(alice.group)).toEqual([TOPIC, REQUIRED]);
  });
});

describe('a change of the extensions is not made', () => {
  test('together with anything else, without any, or of a type that cannot be one', async () => {
    const [alice] = await informed('alice', 'bob');
    const dave = await Agent.named('dave', alice.engine);
    const { keyPackage } = await dave.keyPackage();
    for (const change of [
      { extensions: [TOPIC], remove: [1] },
      { extensions: [TOPIC], add: [keyPackage] },
      { extensions: [TOPIC], replace: [keyPackage] },
      { extensions: [] },
      { extensions: [{ type: 0x10000, data: utf8('') }] },
      // External senders and their like: nobody but members changes a group.
      ...[1, 2, 4, 5].map((type) => ({ extensions: [{ type, data: utf8('') }] })),
    ]) {
      await expect(alice.stage(change)).rejects.toMatchObject({ code: 'invalid_argument' });
    }
  });

  test.each([
    ['a type that a member does not support', [{ type: TYPE + 1, data: utf8('') }], 'does not support extension 61611'],
    ['two of one type', [TOPIC, TOPIC], 'two extensions of one type'],
    [
      'required capabilities that a member does not have',
      [{ type: 3, data: required([TYPE + 1]) }],
      'required capabilities',
    ],
    ['required capabilities that are none', [{ type: 3, data: utf8('nonsense') }], 'cannot be committed'],
    ['more than every message can carry', [{ type: TYPE, data: new Uint8Array(20_000) }], 'more than 16384 bytes'],
  ])('with %s', async (_, extensions, reason) => {
    const [alice] = await informed('alice', 'bob');
    const before = encodeGroup(alice.group);
    await expect(alice.stage({ extensions })).rejects.toMatchObject({
      code: 'mls_error',
      message: expect.stringContaining(reason) as string,
    });
    expect(equalBytes(encodeGroup(alice.group), before)).toBe(true);
  });

  test('nor is somebody added who does not understand those that are there', async () => {
    const [alice, bob = alice] = await informed('alice', 'bob');
    await agreeOn(alice, [bob], 'private');
    const stranger = await Agent.named('stranger');
    const { keyPackage } = await stranger.keyPackage();
    await expect(alice.stage({ add: [keyPackage] })).rejects.toMatchObject({ code: 'mls_error' });
  });
});

/** alice on our steps and a member that the library runs, in one group; both understand {@link TYPE}. */
async function pair(): Promise<{ alice: Agent; theirs: LibraryMember }> {
  const alice = await Agent.named('alice', await createMlsEngine({ extensionTypes: [TYPE] }));
  await alice.create();
  const theirs = await LibraryMember.named('theirs', NOW - 1000, undefined, [TYPE]);
  const staged = await alice.stage({ add: [theirs.keyPackage] });
  alice.group = staged.next;
  await theirs.join(defined(staged.welcome));
  return { alice, theirs };
}

function change(...extensions: Extension[]): Proposal {
  return { proposalType: 'group_context_extensions', groupContextExtensions: { extensions } };
}

const THEIR_TOPIC: Extension = { extensionType: TYPE, extensionData: utf8('the weather') };

describe('with a member that the library runs', () => {
  test.each([false, true])('extensions are agreed on both ways (public: %s)', async (isPublic) => {
    const { alice, theirs } = await pair();
    const ours = await alice.stage({ extensions: [TOPIC, REQUIRED] }, isPublic ? 'public' : 'private');
    alice.group = ours.next;
    await theirs.receive(ours.commit);
    expect(theirs.state.keySchedule.epochAuthenticator).toEqual(epochAuthenticator(alice.group));

    // The library makes the commit without a path. That is weaker than the RFC has it, and harms nobody.
    const { commit: made } = await theirs.commit([change(THEIR_TOPIC)], isPublic);
    await alice.receive(made);
    expect(groupExtensions(alice.group)).toEqual([TOPIC]);
    expect(theirs.state.keySchedule.epochAuthenticator).toEqual(epochAuthenticator(alice.group));
    expect(text(defined(await theirs.receive(await alice.send('agreed'))))).toBe('agreed');
  });

  test.each<[string, Proposal[], string]>([
    [
      'that removes somebody as well',
      [change(THEIR_TOPIC), { proposalType: 'remove', remove: { removed: 2 } }],
      'removes a member at once',
    ],
    ['of a type that we do not support', [change({ extensionType: TYPE + 1, extensionData: utf8('') })], '61611'],
    ['that lets others in', [change({ extensionType: 'external_pub', extensionData: utf8('') })], 'external_pub'],
    ['that clears them', [change()], 'clears'],
  ])('their change is refused %s', async (_, proposals, reason) => {
    const { alice, theirs } = await pair();
    const bob = await Agent.named('bob', alice.engine);
    const { commit: joining } = await commit(alice, [], { joiners: [bob] });
    await theirs.receive(joining);
    const before = encodeGroup(alice.group);
    const { commit: made } = await theirs.commit(proposals, false);
    await expect(alice.receive(made)).rejects.toMatchObject({
      code: 'decryption_failure',
      message: expect.stringContaining(reason) as string,
    });
    expect(equalBytes(encodeGroup(alice.group), before)).toBe(true);
  });
});

test('a group whose extensions we do not support is not joined', async () => {
  const { theirs } = await pair();
  const stranger = await Agent.named('stranger');
  // The library's commits look at the machine's clock, so this key package has to be of today.
  const today = new Date();
  const bundle = await createKeyPackage(stranger.engine, stranger.keys, today.getTime());
  const add = { proposalType: 'add' as const, add: { keyPackage: decodeKeyPackageMessage(bundle.keyPackage) } };
  // The library does not ask whether anybody supports an extension that is new.
  const { welcome } = await theirs.commit([change(THEIR_TOPIC), add], false);
  await expect(stranger.join(defined(welcome), bundle)).rejects.toMatchObject({
    code: 'invalid_welcome',
    message: expect.stringContaining('does not support extension') as string,
  });
});
