import type { CiphersuiteImpl } from 'ts-mls/crypto/ciphersuite.js';
import { deriveSecret } from 'ts-mls/crypto/kdf.js';
import { applyUpdatePathSecret } from 'ts-mls/createCommit.js';
import type { GroupContext } from 'ts-mls/groupContext.js';
import { getCommitSecret, pathToRoot } from 'ts-mls/pathSecrets.js';
import type { PrivateKeyPath } from 'ts-mls/privateKeyPath.js';
import { decodeRatchetTree, getHpkePublicKey } from 'ts-mls/ratchetTree.js';
import type { RatchetTree } from 'ts-mls/ratchetTree.js';
import { toLeafIndex, toNodeIndex } from 'ts-mls/treemath.js';
import { applyUpdatePath, createUpdatePath, decodeUpdatePath } from 'ts-mls/updatePath.js';
import type { UpdatePath } from 'ts-mls/updatePath.js';
import { equalBytes } from '../../src/base/bytes.ts';
import { areParentHashesValid } from '../../src/mls/parent-hash.ts';
import { TreeHasher } from '../../src/mls/tree-hash.ts';
import type { Report } from './report.ts';
import { fromHex } from './vector.ts';
import type { Vector } from './vector.ts';
import { whole } from './whole.ts';

/** One member's part of the tree. */
interface Member {
  readonly leaf: number;
  readonly signKey: Uint8Array;
  readonly path: PrivateKeyPath;
}

/** What a member finds in an update path. */
interface Found {
  readonly pathSecret: Uint8Array;
  readonly commitSecret: Uint8Array;
}

/** Update paths of others and of ours, read by every member (RFC 9420 §7.4 to §7.6). */
export async function treekem(vector: Vector, suite: CiphersuiteImpl, report: Report): Promise<void> {
  const tree = whole(decodeRatchetTree, vector.bytes('ratchet_tree'), 'ratchet_tree');
  const context: GroupContext = {
    version: 'mls10',
    cipherSuite: suite.name,
    groupId: vector.bytes('group_id'),
    epoch: BigInt(vector.number('epoch')),
    treeHash: await new TreeHasher(tree, suite.hash).root(),
    confirmedTranscriptHash: vector.bytes('confirmed_transcript_hash'),
    extensions: [],
  };
  const members: Member[] = [];
  for (const given of vector.children('leaves_private')) {
    members.push(await openMember(given, tree, suite, report));
  }

  for (const update of vector.children('update_paths')) {
    const sender = update.number('sender');
    const name = (what: string): string => `path of leaf ${sender}: ${what}`;
    const path = whole(decodeUpdatePath, update.bytes('update_path'), 'update_path');
    const after = await applyUpdatePath(tree, toLeafIndex(sender), path, suite.hash);
    const hasher = new TreeHasher(after, suite.hash);
    report.holds(name('parent hashes'), await areParentHashesValid(after, hasher, suite.hash));
    report.equal(name('tree_hash_after'), await hasher.root(), update.bytes('tree_hash_after'));
    const expected = update.list('path_secrets');
    for (const member of members) {
      if (member.leaf === sender) continue;
      const found = await read(tree, after, member, sender, { ...context, treeHash: await hasher.root() }, path, suite);
      const pathSecret = fromHex(String(expected[member.leaf]), `path_secrets[${member.leaf}]`);
      report.equal(name(`path secret of leaf ${member.leaf}`), found.pathSecret, pathSecret);
      report.equal(name(`commit secret of leaf ${member.leaf}`), found.commitSecret, update.bytes('commit_secret'));
    }
    const own = members.find(({ leaf }) => leaf === sender);
    if (own === undefined) report.fail(name('private keys'), 'are missing');
    else await renew(tree, own, members, context, suite, report);
  }
}

async function openMember(given: Vector, tree: RatchetTree, suite: CiphersuiteImpl, report: Report): Promise<Member> {
  const leaf = given.number('index');
  const privateKeys: Record<number, Uint8Array> = { [2 * leaf]: given.bytes('encryption_priv') };
  report.holds(`leaf ${leaf}: key`, await fits(tree, 2 * leaf, given.bytes('encryption_priv'), suite));
  for (const secret of given.children('path_secrets')) {
    const node = secret.number('node');
    const nodeSecret = await deriveSecret(secret.bytes('path_secret'), 'node', suite.kdf);
    const { privateKey, publicKey } = await suite.hpke.deriveKeyPair(nodeSecret);
    privateKeys[node] = await suite.hpke.exportPrivateKey(privateKey);
    const known = tree[node];
    report.holds(
      `leaf ${leaf}: key of node ${node}`,
      known !== undefined && equalBytes(getHpkePublicKey(known), await suite.hpke.exportPublicKey(publicKey)),
    );
  }
  return { leaf, signKey: given.bytes('signature_priv'), path: { leafIndex: leaf, privateKeys } };
}

/** Whether a private key opens what is sealed to a node. */
async function fits(tree: RatchetTree, index: number, key: Uint8Array, { hpke }: CiphersuiteImpl): Promise<boolean> {
  const node = tree[index];
  if (node === undefined) return false;
  const content = Uint8Array.of(1, 2, 3);
  const sealed = await hpke.seal(await hpke.importPublicKey(getHpkePublicKey(node)), content, content);
  return equalBytes(await hpke.open(await hpke.importPrivateKey(key), sealed.enc, sealed.ct, content), content);
}

async function read(
  before: RatchetTree,
  after: RatchetTree,
  member: Member,
  sender: number,
  context: GroupContext,
  path: UpdatePath,
  suite: CiphersuiteImpl,
): Promise<Found> {
  const from = toLeafIndex(sender);
  const { pathSecret, nodeIndex } = await applyUpdatePathSecret(before, member.path, from, context, path, [], suite);
  const at = toNodeIndex(nodeIndex);
  const secrets = await pathToRoot(after, at, pathSecret, suite.kdf);
  const [top, secret] = Object.entries(secrets).at(-1) ?? [];
  if (top === undefined || secret === undefined) throw new Error('The path has no secrets.');
  return { pathSecret, commitSecret: await getCommitSecret(after, toNodeIndex(Number(top)), secret, suite.kdf) };
}

/** A path of our own making, from the same tree, is read by all others. */
async function renew(
  tree: RatchetTree,
  sender: Member,
  members: readonly Member[],
  context: GroupContext,
  suite: CiphersuiteImpl,
  report: Report,
): Promise<void> {
  const from = toLeafIndex(sender.leaf);
  // The library counts the epoch up, as a commit does; the vectors mean the epoch that they name.
  const before = { ...context, epoch: context.epoch - 1n };
  const [after, path, secrets] = await createUpdatePath(tree, from, before, sender.signKey, suite);
  const top = secrets.at(-1);
  if (top === undefined) throw new Error('Our path has no secrets.');
  const commitSecret = await getCommitSecret(after, toNodeIndex(top.nodeIndex), top.secret, suite.kdf);
  const treeHash = await new TreeHasher(after, suite.hash).root();
  for (const member of members) {
    if (member.leaf === sender.leaf) continue;
    const found = await read(tree, after, member, sender.leaf, { ...context, treeHash }, path, suite);
    report.equal(`our path for leaf ${sender.leaf}: leaf ${member.leaf} reads it`, found.commitSecret, commitSecret);
  }
}
