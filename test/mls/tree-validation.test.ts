import { beforeAll, describe, expect, test } from 'vitest';
import { validateRatchetTree } from 'ts-mls/clientState.js';
import type { ClientState } from 'ts-mls/clientState.js';
import type { Node, RatchetTree } from 'ts-mls/ratchetTree.js';
import { treeHash, treeHashRoot } from 'ts-mls/treeHash.js';
import { toNodeIndex } from 'ts-mls/treemath.js';
import { createMlsEngine } from '../../src/mls/index.ts';
import { engineParts } from '../../src/mls/engine.ts';
import type { EngineParts } from '../../src/mls/engine.ts';
import { stateOf } from '../../src/mls/group-state.ts';
import { leafRange, TreeHasher } from '../../src/mls/tree-hash.ts';
import { objectionToRatchetTree } from '../../src/mls/tree-validation.ts';
import { Agent, commit, defined, groupOf, NOW } from './agents.ts';

const NOW_SECONDS = BigInt(NOW / 1000);

let parts: EngineParts;
/**
 * Sixteen members, five of whom commit; then leaf 5 replaced, and commits on both sides: lists of several shapes. Those who
 * never commit need not follow.
 */
let state: ClientState;

beforeAll(async () => {
  parts = engineParts(await createMlsEngine());
  const agents = await groupOf('a0', ...Array.from({ length: 15 }, (_, index) => `a${index + 1}`));
  const [zero, two, three, four, eight] = [0, 2, 3, 4, 8].map((index) => defined(agents[index])) as [
    Agent,
    Agent,
    Agent,
    Agent,
    Agent,
  ];
  const active = [zero, two, three, four, eight];
  for (const agent of active) await commit(agent, active, { rotate: true });
  await commit(zero, active, { leavers: [defined(agents[5])] });
  await commit(four, active, { rotate: true });
  await commit(zero, active, { joiners: [await Agent.named('a16', zero.engine)] });
  await commit(eight, active, { rotate: true });
  state = stateOf(zero.group);
});

/** Judges a changed tree, under the hash that it has after the change: whoever changed it would have signed that. */
async function judge(change: (tree: RatchetTree) => void, groupId?: Uint8Array): Promise<string | undefined> {
  const tree = structuredClone(state.ratchetTree);
  change(tree);
  const hash = await treeHashRoot(tree, parts.crypto.hash).catch(() => new Uint8Array(32));
  const context = { ...state.groupContext, treeHash: hash, ...(groupId && { groupId }) };
  return objectionToRatchetTree(parts, tree, context, NOW_SECONDS);
}

function parentAt(tree: RatchetTree, index: number): Extract<Node, { nodeType: 'parent' }>['parent'] {
  const node = defined(tree[index]);
  if (node.nodeType !== 'parent') throw new Error(`Node ${index} is a leaf.`);
  return node.parent;
}

function leafAt(tree: RatchetTree, leaf: number): Extract<Node, { nodeType: 'leaf' }>['leaf'] {
  const node = defined(tree[2 * leaf]);
  if (node.nodeType !== 'leaf') throw new Error(`Leaf ${leaf} is a parent.`);
  return node.leaf;
}

describe('a tree', () => {
  test('that members made is accepted, also where the library refuses it', async () => {
    expect(await judge(() => undefined)).toBeUndefined();
    // Leaf 5 is unmerged at two of its ancestors and no longer at the root.
    expect([11, 7, 15].map((index) => parentAt(state.ratchetTree, index).unmergedLeaves)).toEqual([[5], [5], []]);
    const refusal = await validateRatchetTree(
      state.ratchetTree,
      state.groupContext,
      parts.config.lifetimeConfig,
      parts.config.authService,
      state.groupContext.treeHash,
      parts.crypto,
    );
    // Once this fails, the library has been mended, and our own check may be given up.
    expect(refusal?.message).toContain('unmerged_leaves');
  });

  test('under another hash is refused', async () => {
    const context = { ...state.groupContext, treeHash: new Uint8Array(32) };
    expect(await objectionToRatchetTree(parts, state.ratchetTree, context, NOW_SECONDS)).toBe(
      'its tree is not the tree of the group',
    );
  });

  const damages: [what: string, change: (tree: RatchetTree) => void, objection: string][] = [
    [
      'a parent in the place of a leaf',
      (tree) => (tree[2] = defined(tree[7])),
      'leaves and parent nodes of its tree are mixed up',
    ],
    [
      'a leaf in the place of a parent',
      (tree) => (tree[7] = defined(tree[2])),
      'leaves and parent nodes of its tree are mixed up',
    ],
    [
      'an encryption key used twice',
      (tree) => (parentAt(tree, 7).hpkePublicKey = leafAt(tree, 3).hpkePublicKey),
      'two nodes have one encryption key',
    ],
    [
      'a signature key used twice',
      (tree) => (leafAt(tree, 2).signaturePublicKey = leafAt(tree, 3).signaturePublicKey),
      'two members have one signature key',
    ],
    [
      'unmerged leaves out of order',
      (tree) => (parentAt(tree, 11).unmergedLeaves = [5, 4]),
      'a list of unmerged leaves is not in order',
    ],
    [
      'an unmerged leaf named twice',
      (tree) => (parentAt(tree, 11).unmergedLeaves = [5, 5]),
      'a list of unmerged leaves is not in order',
    ],
    [
      'an unmerged leaf beyond the tree',
      (tree) => (parentAt(tree, 7).unmergedLeaves = [16]),
      'an unmerged leaf is not there',
    ],
    [
      'an unmerged leaf in the other half',
      (tree) => (parentAt(tree, 23).unmergedLeaves = [1]),
      'an unmerged leaf is not below its node',
    ],
    [
      'an unmerged leaf that a node further down has merged',
      (tree) => (parentAt(tree, 11).unmergedLeaves = []),
      'an unmerged leaf is missing at a node further down',
    ],
    [
      'an unmerged leaf that is listed nowhere any more',
      (tree) => {
        parentAt(tree, 11).unmergedLeaves = [];
        parentAt(tree, 7).unmergedLeaves = [];
      },
      'a parent node was not set by a member below it',
    ],
    [
      'an unmerged leaf too many',
      (tree) => (parentAt(tree, 7).unmergedLeaves = [1]),
      'an unmerged leaf is missing at a node further down',
    ],
    [
      'a member declared unmerged along its whole path',
      (tree) => {
        for (const index of [1, 3, 7, 15]) parentAt(tree, index).unmergedLeaves = [1];
      },
      'a parent node was not set by a member below it',
    ],
    [
      'a parent with a key that nobody below has set',
      (tree) => (parentAt(tree, 3).hpkePublicKey = new Uint8Array(32).fill(9)),
      'a parent node was not set by a member below it',
    ],
    [
      'a parent that names another parent',
      (tree) => (parentAt(tree, 3).parentHash = new Uint8Array(32)),
      'a parent node was not set by a member below it',
    ],
    [
      'a leaf that its member has not signed',
      (tree) => (leafAt(tree, 6).hpkePublicKey = new Uint8Array(32).fill(7)),
      'the member at leaf 6 has not signed its leaf',
    ],
    [
      'a leaf moved to another place',
      (tree) => ([tree[4], tree[6]] = [defined(tree[6]), defined(tree[4])]),
      'the member at leaf 2 has not signed its leaf',
    ],
    [
      'a member without support for basic credentials',
      (tree) => (leafAt(tree, 1).capabilities.credentials = ['x509']),
      'the member at leaf 1 does not support basic credentials',
    ],
    [
      'a member with an extension out of the blue',
      (tree) => leafAt(tree, 1).extensions.push({ extensionType: 0xff00, extensionData: new Uint8Array(1) }),
      'the member at leaf 1 uses extensions that it does not claim to support',
    ],
  ];
  test.each(damages)('with %s is refused', async (_what, change, objection) => {
    expect(await judge(change)).toBe(objection);
  });

  test('of another group is refused', async () => {
    expect(await judge(() => undefined, new Uint8Array(16))).toContain('has not signed its leaf');
  });

  test('with a member from the future is refused, one with a member from long ago is not', async () => {
    const at = (seconds: bigint): Promise<string | undefined> =>
      objectionToRatchetTree(parts, state.ratchetTree, state.groupContext, seconds);
    expect(await at(NOW_SECONDS - 7200n)).toBe(
      'the member at leaf 1 is not valid yet; compare the clocks of the machines',
    );
    expect(await at(NOW_SECONDS + 365n * 86_400n)).toBeUndefined();
  });
});

describe('tree hashes', () => {
  test('are those of the library, for every node', async () => {
    const hasher = new TreeHasher(state.ratchetTree, parts.crypto.hash);
    for (let index = 0; index < state.ratchetTree.length; index++) {
      const node = toNodeIndex(index);
      expect(await hasher.subtree(node, new Set())).toEqual(await treeHash(state.ratchetTree, node, parts.crypto.hash));
    }
    expect(await hasher.root()).toEqual(state.groupContext.treeHash);
  });

  test('know which leaves are below a node', () => {
    const ranges = Array.from({ length: 15 }, (_, index) => leafRange(toNodeIndex(index)).join('-'));
    expect(ranges).toEqual([
      '0-0',
      '0-1',
      '1-1',
      '0-3',
      '2-2',
      '2-3',
      '3-3',
      '0-7',
      '4-4',
      '4-5',
      '5-5',
      '4-7',
      '6-6',
      '6-7',
      '7-7',
    ]);
  });
});
