import type { CiphersuiteImpl } from 'ts-mls/crypto/ciphersuite.js';
import { decodeRatchetTree, resolution } from 'ts-mls/ratchetTree.js';
import { toNodeIndex } from 'ts-mls/treemath.js';
import { CIPHER_SUITES } from '../../src/mls/cipher-suite.ts';
import { createMlsEngine } from '../../src/mls/index.ts';
import { decodeWhole } from '../../src/mls/decode.ts';
import { engineParts } from '../../src/mls/engine.ts';
import { TreeHasher } from '../../src/mls/tree-hash.ts';
import { objectionToRatchetTree } from '../../src/mls/tree-validation.ts';
import { fromHex } from './vector.ts';
import type { Report } from './report.ts';
import type { Vector } from './vector.ts';

/** Later than any leaf of the vectors begins: with them, only an end of time is compared. */
const END_OF_TIME_SECONDS = 2n ** 63n;

/** Resolutions, tree hashes, and everything that a joiner checks in a tree (RFC 9420 §12.4.3.1). */
export async function treeValidation(vector: Vector, suite: CiphersuiteImpl, report: Report): Promise<void> {
  const tree = decodeWhole(
    decodeRatchetTree,
    vector.bytes('tree'),
    (cause) => new Error('The tree does not decode.', { cause }),
  );
  for (const [index, expected] of (vector.list('resolutions') as number[][]).entries()) {
    const actual = resolution(tree, toNodeIndex(index));
    report.holds(`resolution of node ${index}`, actual.join() === expected.join());
  }
  const hasher = new TreeHasher(tree, suite.hash);
  for (const [index, expected] of (vector.list('tree_hashes') as string[]).entries()) {
    const actual = await hasher.subtree(toNodeIndex(index), new Set());
    report.equal(`tree hash of node ${index}`, actual, fromHex(expected, 'a tree hash'));
  }
  const name = CIPHER_SUITES.find((known) => known === suite.name);
  const parts = { ...engineParts(await createMlsEngine(name === undefined ? {} : { suite: name })), crypto: suite };
  const objection = await objectionToRatchetTree(
    parts,
    tree,
    {
      version: 'mls10',
      cipherSuite: suite.name,
      groupId: vector.bytes('group_id'),
      epoch: 0n,
      treeHash: await hasher.root(),
      confirmedTranscriptHash: new Uint8Array(0),
      extensions: [],
    },
    END_OF_TIME_SECONDS,
  );
  if (objection === undefined) report.holds('the tree can be joined', true);
  else report.fail('the tree can be joined', objection);
}
