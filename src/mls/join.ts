import type { ClientState } from 'ts-mls/clientState.js';
import { deriveSecret } from 'ts-mls/crypto/kdf.js';
import { verifyConfirmationTag } from 'ts-mls/framedContent.js';
import { ratchetTreeFromExtension, verifyGroupInfoSignature } from 'ts-mls/groupInfo.js';
import type { GroupInfo } from 'ts-mls/groupInfo.js';
import { makeKeyPackageRef } from 'ts-mls/keyPackage.js';
import type { KeyPackage } from 'ts-mls/keyPackage.js';
import { deriveKeySchedule } from 'ts-mls/keySchedule.js';
import { encodeLeafNode } from 'ts-mls/leafNode.js';
import { pathToRoot } from 'ts-mls/pathSecrets.js';
import type { PathSecrets } from 'ts-mls/pathSecrets.js';
import type { RatchetTree } from 'ts-mls/ratchetTree.js';
import { createSecretTree } from 'ts-mls/secretTree.js';
import { leafWidth, toLeafIndex } from 'ts-mls/treemath.js';
import { firstCommonAncestor } from 'ts-mls/updatePath.js';
import { decryptGroupInfo, decryptGroupSecrets } from 'ts-mls/welcome.js';
import type { Welcome } from 'ts-mls/welcome.js';
import { equalBytes } from '../base/bytes.ts';
import { RuntimeError, SkytaleError } from '../base/errors.ts';
import type { AgentKeys } from './agent-keys.ts';
import { engineParts } from './engine.ts';
import type { EngineParts, MlsEngine } from './engine.ts';
import type { Group } from './group.ts';
import { objectionToExtensions } from './group-extensions.ts';
import { wrapState } from './group-state.ts';
import { NO_PINS } from './identity-pins.ts';
import type { IdentityPins } from './identity-pins.ts';
import { decodeKeyPackageMessage, toSeconds } from './key-package.ts';
import type { KeyPackageBundle } from './key-package.ts';
import { decodeKeyPackageSecret } from './key-package-secret.ts';
import type { KeyPackageSecret } from './key-package-secret.ts';
import { objectionToAdmission } from './member-policy.ts';
import { leavesOf, memberAt } from './members.ts';
import { compareTrees } from './membership-change.ts';
import { objectionToTree } from './membership-policy.ts';
import { objectionToRatchetTree } from './tree-validation.ts';
import { invalidWelcome, openWelcome } from './welcome.ts';

/** What {@link joinGroup} needs. */
export interface JoinGroupRequest {
  readonly welcome: Uint8Array;
  /** The key package that the Welcome is for, with its private part. Must not be used again afterwards. */
  readonly bundle: KeyPackageBundle;
  /** The keys that the key package was made with. */
  readonly keys: AgentKeys;
  /** Unix milliseconds. */
  readonly nowMs: number;
  /** What is known of the group's members from an earlier time in it: for the engine's policy. */
  readonly pins?: IdentityPins;
}

/** A key package of ours, opened. */
interface OwnKeyPackage {
  readonly keyPackage: KeyPackage;
  readonly ref: Uint8Array;
  readonly secret: KeyPackageSecret;
}

/**
 * Joins the group that a Welcome leads into (RFC 9420 §12.4.3.1). Whether it is the group that was asked for, the caller
 * sees from its id ({@link groupIdBelongsTo}); whether members have other keys than before, {@link pinMembers} tells.
 *
 * @throws {@link MlsError} `invalid_welcome` for bytes that are no Welcome, one of another cipher suite or for somebody
 * else's key package, one that was tampered with, or leads into a group that is not valid, not within our rules, or
 * has a member whom the engine's policy does not accept. `mls_error` if that policy fails.
 * @throws {@link RuntimeError} `store_damaged` or `invalid_argument` if bundle and keys do not belong together.
 */
export async function joinGroup(engine: MlsEngine, request: JoinGroupRequest): Promise<Group> {
  const parts = engineParts(engine);
  const welcome = openWelcome(parts, request.welcome);
  const own = await openBundle(parts, request.bundle, request.keys);
  if (!welcome.secrets.some(({ newMember }) => equalBytes(newMember, own.ref))) {
    throw invalidWelcome('it is for another key package');
  }
  try {
    const state = await followWelcome(parts, welcome, own, request.keys, toSeconds(request.nowMs));
    checkMembers(parts, state, request.pins ?? NO_PINS);
    return wrapState(state);
  } catch (cause) {
    if (cause instanceof SkytaleError) throw cause;
    throw invalidWelcome('it does not decrypt or verify', cause);
  }
}

function checkMembers({ acceptMember }: EngineParts, state: ClientState, pins: IdentityPins): void {
  const { ratchetTree, groupContext, privatePath } = state;
  const { added } = compareTrees([], ratchetTree, pins);
  const objection = objectionToAdmission(acceptMember, {
    occasion: 'join',
    groupId: groupContext.groupId,
    added: added.filter(({ leaf }) => leaf !== privatePath.leafIndex),
    removed: [],
    pins,
  });
  if (objection !== undefined) throw invalidWelcome(objection);
}

async function openBundle(parts: EngineParts, bundle: KeyPackageBundle, keys: AgentKeys): Promise<OwnKeyPackage> {
  const keyPackage = decodeKeyPackageMessage(bundle.keyPackage);
  const ref = await makeKeyPackageRef(keyPackage, parts.crypto.hash);
  if (!equalBytes(ref, bundle.ref)) {
    throw new RuntimeError('invalid_argument', 'Expected `bundle.ref` to be the reference of `bundle.keyPackage`.');
  }
  if (!equalBytes(keyPackage.leafNode.signaturePublicKey, keys.signaturePublicKey)) {
    throw new RuntimeError('invalid_argument', 'Expected `bundle` to be a key package made with `keys`.');
  }
  return { keyPackage, ref, secret: decodeKeyPackageSecret(bundle.secret) };
}

async function followWelcome(
  parts: EngineParts,
  welcome: Welcome,
  own: OwnKeyPackage,
  keys: AgentKeys,
  nowSeconds: bigint,
): Promise<ClientState> {
  const { crypto, config } = parts;
  const initKey = await crypto.hpke.importPrivateKey(own.secret.initPrivateKey);
  const secrets = await decryptGroupSecrets(initKey, own.ref, welcome, crypto.hpke);
  if (secrets === undefined) throw invalidWelcome('its group secrets are malformed');
  if (secrets.psks.length > 0) throw invalidWelcome('pre-shared keys are not supported');
  const noPsk = new Uint8Array(crypto.kdf.size);
  const groupInfo = await decryptGroupInfo(welcome, secrets.joinerSecret, noPsk, crypto);
  if (groupInfo === undefined) throw invalidWelcome('its group info is malformed');

  const { groupContext, confirmationTag } = groupInfo;
  const tree = await openTree(parts, groupInfo, nowSeconds);
  const leaf = findOwnLeaf(tree, own.keyPackage);
  const pathKeys =
    secrets.pathSecret === undefined
      ? {}
      : await derivePathKeys(
          parts,
          tree,
          firstCommonAncestor(tree, leaf, toLeafIndex(groupInfo.signer)),
          secrets.pathSecret,
        );
  const [keySchedule, encryptionSecret] = await deriveKeySchedule(
    secrets.joinerSecret,
    noPsk,
    groupContext,
    crypto.kdf,
  );
  const isConfirmed = await verifyConfirmationTag(
    keySchedule.confirmationKey,
    confirmationTag,
    groupContext.confirmedTranscriptHash,
    crypto.hash,
  );
  if (!isConfirmed) throw invalidWelcome('its confirmation tag is not valid');
  const secretTree = await createSecretTree(leafWidth(tree.length), encryptionSecret, crypto.kdf);
  encryptionSecret.fill(0);
  secrets.joinerSecret.fill(0);
  return {
    groupContext,
    keySchedule,
    secretTree,
    ratchetTree: tree,
    privatePath: { leafIndex: leaf, privateKeys: { ...pathKeys, [2 * leaf]: own.secret.hpkePrivateKey } },
    signaturePrivateKey: keys.signaturePrivateKey,
    unappliedProposals: {},
    confirmationTag,
    historicalReceiverData: new Map(),
    groupActiveState: { kind: 'active' },
    clientConfig: config,
  };
}

/** The tree in a group info, once it is clear that a member has signed it and that it is a valid one. */
async function openTree(parts: EngineParts, groupInfo: GroupInfo, nowSeconds: bigint): Promise<RatchetTree> {
  const { groupContext } = groupInfo;
  if (groupContext.cipherSuite !== parts.suite) {
    throw invalidWelcome(`the group has cipher suite ${groupContext.cipherSuite}, not ${parts.suite}`);
  }
  const tree = ratchetTreeFromExtension(groupInfo);
  if (tree === undefined) throw invalidWelcome('it comes without the tree of the group');
  const objection =
    objectionToTree(tree) ??
    objectionToExtensions(groupContext.extensions, tree) ??
    (await objectionToRatchetTree(parts, tree, groupContext, nowSeconds));
  if (objection !== undefined) throw invalidWelcome(objection);
  const signer = memberAt(tree, groupInfo.signer);
  if (
    signer === undefined ||
    !(await verifyGroupInfoSignature(groupInfo, signer.signatureKey, parts.crypto.signature))
  ) {
    throw invalidWelcome('no member has signed it');
  }
  return tree;
}

function findOwnLeaf(tree: RatchetTree, keyPackage: KeyPackage): ReturnType<typeof toLeafIndex> {
  for (const [leaf, node] of leavesOf(tree)) {
    if (!equalBytes(node.hpkePublicKey, keyPackage.leafNode.hpkePublicKey)) continue;
    if (equalBytes(encodeLeafNode(node), encodeLeafNode(keyPackage.leafNode))) return toLeafIndex(leaf);
  }
  throw invalidWelcome('the tree of the group has no leaf of this agent');
}

/**
 * The private keys from the joint ancestor with the committer up to the root. Each must fit the public key that
 * everybody sees in the tree; the library does not compare them.
 */
async function derivePathKeys(
  { crypto }: EngineParts,
  tree: RatchetTree,
  ancestor: ReturnType<typeof firstCommonAncestor>,
  pathSecret: Uint8Array,
): Promise<Record<number, Uint8Array>> {
  const secrets: PathSecrets = await pathToRoot(tree, ancestor, pathSecret, crypto.kdf);
  const keys: Record<number, Uint8Array> = {};
  for (const [index, secret] of Object.entries(secrets)) {
    const { privateKey, publicKey } = await crypto.hpke.deriveKeyPair(await deriveSecret(secret, 'node', crypto.kdf));
    secret.fill(0);
    const node = tree[Number(index)];
    // The chain of secrets ends at the root even where the root is blank and has no key.
    if (node === undefined) continue;
    const expected = node.nodeType === 'parent' ? node.parent.hpkePublicKey : undefined;
    if (expected === undefined || !equalBytes(await crypto.hpke.exportPublicKey(publicKey), expected)) {
      throw invalidWelcome('its path secret does not fit the tree');
    }
    keys[Number(index)] = await crypto.hpke.exportPrivateKey(privateKey);
  }
  return keys;
}
