import { describe, expect, test } from 'vitest';
import { generateKeyPackageWithKey } from 'ts-mls';
import type { Proposal } from 'ts-mls';
import { equalBytes } from '../../src/base/bytes.ts';
import { encodeGroup } from '../../src/mls/index.ts';
import { objectionToLeaves, objectionToTree } from '../../src/mls/membership-policy.ts';
import { stateOf } from '../../src/mls/group-state.ts';
import { Agent, defined, groupOf, NOW, utf8 } from './agents.ts';
import { LibraryMember } from './library-member.ts';

/** alice, bob, and a third member whose software does not know our rules. */
async function withOutlaw(): Promise<{ alice: Agent; outlaw: LibraryMember }> {
  const [alice, bob] = await groupOf('alice', 'bob');
  const outlaw = await LibraryMember.named('outlaw', NOW - 1000);
  const staged = await alice.stage({ add: [outlaw.keyPackage] });
  alice.group = staged.next;
  await bob.receive(staged.commit);
  await outlaw.join(defined(staged.welcome));
  return { alice, outlaw };
}

const illegal: [name: string, propose: (outlaw: LibraryMember) => Promise<Proposal>][] = [
  [
    'adds an identity that is a member already',
    async (outlaw) => ({ proposalType: 'add', add: { keyPackage: await outlaw.recruit('bob') } }),
  ],
  [
    // The library looks for the key before it asks us, and we have none.
    'it does not decrypt or verify',
    (outlaw) =>
      Promise.resolve({
        proposalType: 'psk',
        psk: {
          preSharedKeyId: {
            psktype: 'external',
            pskId: Uint8Array.of(1, 2, 3),
            pskNonce: outlaw.crypto.rng.randomBytes(32),
          },
        },
      } satisfies Proposal),
  ],
  [
    'type application_id are not supported in a group',
    () =>
      Promise.resolve({
        proposalType: 'group_context_extensions',
        groupContextExtensions: {
          extensions: [{ extensionType: 'application_id', extensionData: utf8('ours') }],
        },
      } satisfies Proposal),
  ],
  [
    'type reinit',
    (outlaw) =>
      Promise.resolve({
        proposalType: 'reinit',
        reinit: {
          groupId: utf8('elsewhere'),
          version: 'mls10',
          cipherSuite: outlaw.crypto.name,
          extensions: [],
        },
      } satisfies Proposal),
  ],
  ['type 61440', () => Promise.resolve({ proposalType: 0xf000, proposalData: utf8('custom') } satisfies Proposal)],
];

describe('a valid commit that is against the rules is refused:', () => {
  test.each(illegal)('%s', async (reason, propose) => {
    const { alice, outlaw } = await withOutlaw();
    const before = encodeGroup(alice.group);
    const proposal = await propose(outlaw);
    const made = await outlaw.commit([proposal], false);
    await expect(alice.receive(made.commit)).rejects.toMatchObject({
      code: 'decryption_failure',
      message: expect.stringContaining(reason) as string,
    });
    expect(equalBytes(encodeGroup(alice.group), before)).toBe(true);
  });

  test.each(['identity', 'signature key'])('a member changes its %s', async (what) => {
    const { alice, outlaw } = await withOutlaw();
    const keys = await outlaw.crypto.signature.keygen();
    const { state } = outlaw;
    const leafIndex = 2 * state.privatePath.leafIndex;
    const node = defined(state.ratchetTree[leafIndex]);
    if (node.nodeType !== 'leaf') throw new Error(node.nodeType);
    const leaf =
      what === 'identity'
        ? { ...node.leaf, credential: { credentialType: 'basic' as const, identity: utf8('root') } }
        : { ...node.leaf, signaturePublicKey: keys.publicKey };
    const after = state.ratchetTree.slice();
    after[leafIndex] = {
      nodeType: 'leaf',
      leaf: { ...leaf, leafNodeSource: 'commit', parentHash: new Uint8Array(0), extensions: [] },
    };
    expect(objectionToLeaves(state.ratchetTree, after)).toBe(`a member changes its ${what}`);

    // A path leaf copies credential and key from the tree, so a member that lies there puts the lie into its commit.
    const forged = state.ratchetTree.slice();
    forged[leafIndex] = { nodeType: 'leaf', leaf };
    outlaw.state = {
      ...state,
      ratchetTree: forged,
      ...(what === 'signature key' && { signaturePrivateKey: keys.signKey }),
    };
    const { commit } = await outlaw.commit([], false);
    await expect(alice.receive(commit)).rejects.toMatchObject({
      code: 'decryption_failure',
      // A library member signs leaf and message with one key, and nobody knows the new one.
      message: expect.stringContaining(
        what === 'identity' ? 'changes its identity' : 'not decrypt or verify',
      ) as string,
    });
  });
});

test('a tree with two members of one identity is refused', async () => {
  const [alice, bob] = await groupOf('alice', 'bob');
  const tree = stateOf(alice.group).ratchetTree.slice();
  expect(objectionToTree(tree)).toBeUndefined();
  const { publicPackage } = await generateKeyPackageWithKey(
    { credentialType: 'basic', identity: bob.keys.identity },
    { versions: ['mls10'], ciphersuites: [], extensions: [], proposals: [], credentials: ['basic'] },
    { notBefore: 0n, notAfter: 1n },
    [],
    { publicKey: bob.keys.signaturePublicKey, signKey: bob.keys.signaturePrivateKey },
    (await LibraryMember.named('x', NOW)).crypto,
  );
  tree[0] = { nodeType: 'leaf', leaf: publicPackage.leafNode };
  expect(objectionToTree(tree)).toBe('two members have one identity');
  expect(objectionToTree(Array.from({ length: 4095 }, () => undefined))).toContain('more than 1024 members');
});
