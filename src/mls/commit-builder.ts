import { encodeMlsMessage, emptyPskIndex } from 'ts-mls';
import { addHistoricalReceiverData, applyProposals, nextEpochContext } from 'ts-mls/clientState.js';
import type { ClientState } from 'ts-mls/clientState.js';
import { encode } from 'ts-mls/codec/tlsEncoder.js';
import { commitEncoder } from 'ts-mls/commit.js';
import { createConfirmationTag, createContentCommitSignature } from 'ts-mls/framedContent.js';
import type { GroupContext } from 'ts-mls/groupContext.js';
import { signGroupInfo } from 'ts-mls/groupInfo.js';
import { encodeGroupSecrets } from 'ts-mls/groupSecrets.js';
import { makeKeyPackageRef } from 'ts-mls/keyPackage.js';
import type { KeyPackage } from 'ts-mls/keyPackage.js';
import { initializeEpoch } from 'ts-mls/keySchedule.js';
import { protect } from 'ts-mls/messageProtection.js';
import { protectPublicMessage } from 'ts-mls/messageProtectionPublic.js';
import { getCommitSecret, pathToPathSecrets } from 'ts-mls/pathSecrets.js';
import { mergePrivateKeyPaths, toPrivateKeyPath, updateLeafKey } from 'ts-mls/privateKeyPath.js';
import type { PrivateKeyPath } from 'ts-mls/privateKeyPath.js';
import type { Proposal } from 'ts-mls/proposal.js';
import { ratchetTreeEncoder } from 'ts-mls/ratchetTree.js';
import type { RatchetTree } from 'ts-mls/ratchetTree.js';
import { createSecretTree } from 'ts-mls/secretTree.js';
import { treeHashRoot } from 'ts-mls/treeHash.js';
import { leafToNodeIndex, leafWidth, toLeafIndex, toNodeIndex } from 'ts-mls/treemath.js';
import type { LeafIndex } from 'ts-mls/treemath.js';
import { createUpdatePath, firstCommonAncestor } from 'ts-mls/updatePath.js';
import type { PathSecret, UpdatePath } from 'ts-mls/updatePath.js';
import { encryptGroupInfo } from 'ts-mls/welcome.js';
import { MlsError } from '../base/errors.ts';
import { ascii } from './crypto/bytes.ts';
import type { EngineParts } from './engine.ts';
import { paddingConfig } from './padding.ts';
import { TlsWriter, vectorBytes } from './tls-writer.ts';

/** How a commit travels: encrypted like a message, or signed and readable by whoever carries it (RFC 9420 §6). */
export type CommitFraming = 'private' | 'public';

/** A commit, and the state that it leads to. */
export interface BuiltCommit {
  readonly commit: Uint8Array;
  readonly welcome: Uint8Array | undefined;
  readonly welcomeRefs: readonly Uint8Array[];
  readonly next: ClientState;
}

/** What a commit is to do, and the references of the key packages in it (RFC 9420 §5.2). */
export interface ProposedChange {
  readonly proposals: readonly Proposal[];
  readonly refs: ReadonlyMap<KeyPackage, Uint8Array>;
  /** What the committer says beside it, authenticated and not encrypted (RFC 9420 §6). */
  readonly authenticatedData: Uint8Array;
}

/** The new tree, and what the committer knows about it. */
interface RenewedTree {
  readonly tree: RatchetTree;
  readonly path: UpdatePath | undefined;
  readonly pathSecrets: readonly PathSecret[];
  readonly privatePath: PrivateKeyPath;
  readonly commitSecret: Uint8Array;
}

type Joiner = readonly [leaf: LeafIndex, keyPackage: KeyPackage];

/**
 * Builds a commit of proposals by value (RFC 9420 §12.4.1).
 *
 * It stands here because the library's own `createCommit` compares lifetimes with the machine's clock, because it cannot
 * add members and renew the committer's keys in one commit, and because it changes the group's extensions without a path,
 * which the RFC demands (§17.4). Key packages and extensions have been checked by the caller.
 */
export async function buildCommit(
  { crypto, padding }: EngineParts,
  state: ClientState,
  { proposals, refs, authenticatedData }: ProposedChange,
  renewsKeys: boolean,
  framing: CommitFraming,
): Promise<BuiltCommit> {
  const own = toLeafIndex(state.privatePath.leafIndex);
  const byValue = proposals.map((proposal) => ({ proposalOrRefType: 'proposal' as const, proposal }));
  const applied = await applyProposals(state, byValue, own, emptyPskIndex, false, crypto);
  if (applied.additionalResult.kind !== 'memberCommit' || applied.selfRemoved) {
    throw new MlsError('mls_error', 'A member can only commit changes to its own group, and not remove itself.');
  }
  const { addedLeafNodes: joiners, extensions } = applied.additionalResult;
  const hasExtensions = extensions.length > 0;
  // The path is encrypted for the group as it will be, new extensions included (RFC 9420 §12.4.1).
  const context = hasExtensions ? { ...state.groupContext, extensions } : state.groupContext;
  const renewsPath = applied.needsUpdatePath || hasExtensions || renewsKeys;
  const renewed = await renewTree(state, context, applied.tree, joiners, renewsPath, crypto);

  const content = { proposals: byValue, path: renewed.path };
  const wireformat = framing === 'public' ? 'mls_public_message' : 'mls_private_message';
  const { framedContent, signature } = await createContentCommitSignature(
    state.groupContext,
    wireformat,
    content,
    { senderType: 'member', leafIndex: own },
    authenticatedData,
    state.signaturePrivateKey,
    crypto.signature,
  );
  const groupContext = await nextEpochContext(
    context,
    wireformat,
    framedContent,
    signature,
    await treeHashRoot(renewed.tree, crypto.hash),
    state.confirmationTag,
    crypto.hash,
  );
  const epoch = await initializeEpoch(
    state.keySchedule.initSecret,
    renewed.commitSecret,
    groupContext,
    applied.pskSecret,
    crypto.kdf,
  );
  const confirmationTag = await createConfirmationTag(
    epoch.keySchedule.confirmationKey,
    groupContext.confirmedTranscriptHash,
    crypto.hash,
  );

  const auth = { contentType: 'commit' as const, signature, confirmationTag };
  const commit = await frame();
  const { welcome, welcomeRefs } = await welcomeJoiners();
  const next: ClientState = {
    groupContext,
    keySchedule: epoch.keySchedule,
    secretTree: await createSecretTree(leafWidth(renewed.tree.length), epoch.encryptionSecret, crypto.kdf),
    ratchetTree: renewed.tree,
    privatePath: renewed.privatePath,
    signaturePrivateKey: state.signaturePrivateKey,
    unappliedProposals: {},
    confirmationTag,
    historicalReceiverData: addHistoricalReceiverData(state)[0],
    groupActiveState: { kind: 'active' },
    clientConfig: state.clientConfig,
  };
  for (const secret of [renewed.commitSecret, epoch.joinerSecret, epoch.encryptionSecret, epoch.welcomeSecret]) {
    secret.fill(0);
  }
  return { commit, welcome, welcomeRefs, next };

  async function frame(): Promise<Uint8Array> {
    if (framing === 'public') {
      const signed = { wireformat: 'mls_public_message' as const, content: framedContent, auth };
      const { membershipKey } = state.keySchedule;
      const publicMessage = await protectPublicMessage(membershipKey, state.groupContext, signed, crypto);
      return encodeMlsMessage({ version: 'mls10', wireformat: 'mls_public_message', publicMessage });
    }
    const { privateMessage } = await protect(
      state.keySchedule.senderDataSecret,
      authenticatedData,
      state.groupContext,
      state.secretTree,
      { ...framedContent, auth },
      own,
      // An encoder tells the length before it writes.
      paddingConfig(padding, commitEncoder(content)[0]),
      crypto,
    );
    return encodeMlsMessage({ version: 'mls10', wireformat: 'mls_private_message', privateMessage });
  }

  async function welcomeJoiners(): Promise<Pick<BuiltCommit, 'welcome' | 'welcomeRefs'>> {
    if (joiners.length === 0) return { welcome: undefined, welcomeRefs: [] };
    const groupInfo = await signGroupInfo(
      {
        groupContext,
        extensions: [{ extensionType: 'ratchet_tree', extensionData: encode(ratchetTreeEncoder)(renewed.tree) }],
        confirmationTag,
        signer: own,
      },
      state.signaturePrivateKey,
      crypto.signature,
    );
    const encryptedGroupInfo = await encryptGroupInfo(groupInfo, epoch.welcomeSecret, crypto);
    // The same for all joiners, and as large as the tree.
    const info = welcomeInfo(encryptedGroupInfo);
    const secrets = [];
    for (const [leaf, keyPackage] of joiners) {
      const meeting = firstCommonAncestor(renewed.tree, leaf, own);
      const pathSecret = renewed.pathSecrets.find(({ nodeIndex }) => nodeIndex === meeting)?.secret;
      const groupSecrets = encodeGroupSecrets({ joinerSecret: epoch.joinerSecret, pathSecret, psks: [] });
      const initKey = await crypto.hpke.importPublicKey(keyPackage.initKey);
      const { enc, ct } = await crypto.hpke.seal(initKey, groupSecrets, info, NO_BYTES);
      secrets.push({
        newMember: refs.get(keyPackage) ?? (await makeKeyPackageRef(keyPackage, crypto.hash)),
        encryptedGroupSecrets: { kemOutput: enc, ciphertext: ct },
      });
    }
    const welcome = { cipherSuite: groupContext.cipherSuite, secrets, encryptedGroupInfo };
    return {
      welcome: encodeMlsMessage({ version: 'mls10', wireformat: 'mls_welcome', welcome }),
      welcomeRefs: secrets.map(({ newMember }) => newMember),
    };
  }
}

/** Puts fresh keys on the committer's path to the root, if it is to have any (RFC 9420 §7.5). */
async function renewTree(
  state: ClientState,
  groupContext: GroupContext,
  tree: RatchetTree,
  joiners: readonly Joiner[],
  renewsKeys: boolean,
  crypto: EngineParts['crypto'],
): Promise<RenewedTree> {
  const { privatePath, signaturePrivateKey } = state;
  if (!renewsKeys) {
    const commitSecret = new Uint8Array(crypto.kdf.size);
    return { tree, path: undefined, pathSecrets: [], privatePath, commitSecret };
  }
  const [renewed, path, pathSecrets, leafKey] = await createUpdatePath(
    tree,
    toLeafIndex(privatePath.leafIndex),
    groupContext,
    signaturePrivateKey,
    crypto,
    // Joiners cannot read the path, they get their path secret in the Welcome.
    joiners.map(([leaf]) => leafToNodeIndex(leaf)),
  );
  const topmost = pathSecrets.at(-1);
  return {
    tree: renewed,
    path,
    pathSecrets,
    privatePath: mergePrivateKeyPaths(
      updateLeafKey(privatePath, await crypto.hpke.exportPrivateKey(leafKey)),
      await toPrivateKeyPath(pathToPathSecrets(pathSecrets), privatePath.leafIndex, crypto),
    ),
    commitSecret:
      topmost === undefined
        ? new Uint8Array(crypto.kdf.size)
        : await getCommitSecret(renewed, toNodeIndex(topmost.nodeIndex), topmost.secret, crypto.kdf),
  };
}

/** The context of EncryptWithLabel for the secrets of a Welcome (RFC 9420 §5.1.3, §12.4.3.1). */
function welcomeInfo(encryptedGroupInfo: Uint8Array): Uint8Array {
  const length = vectorBytes(WELCOME_LABEL.length) + vectorBytes(encryptedGroupInfo.length);
  return new TlsWriter(length).vector(WELCOME_LABEL).vector(encryptedGroupInfo).finish();
}

const WELCOME_LABEL = ascii('MLS 1.0 Welcome');
const NO_BYTES = new Uint8Array(0);
