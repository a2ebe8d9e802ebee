import { decodeMlsMessage } from 'ts-mls';
import type { Decoder } from 'ts-mls/codec/tlsDecoder.js';
import { decodeCommit, encodeCommit } from 'ts-mls/commit.js';
import type { CiphersuiteImpl } from 'ts-mls/crypto/ciphersuite.js';
import { createContentCommitSignature } from 'ts-mls/framedContent.js';
import type { FramedContentCommit, FramedContentInfo } from 'ts-mls/framedContent.js';
import type { GroupContext } from 'ts-mls/groupContext.js';
import type { MLSMessage } from 'ts-mls/message.js';
import { protect, protectApplicationData, protectProposal, unprotectPrivateMessage } from 'ts-mls/messageProtection.js';
import { protectProposalPublic, protectPublicMessage, unprotectPublicMessage } from 'ts-mls/messageProtectionPublic.js';
import type { PrivateMessage } from 'ts-mls/privateMessage.js';
import { decodeProposal, encodeProposal } from 'ts-mls/proposal.js';
import type { PublicMessage } from 'ts-mls/publicMessage.js';
import { createSecretTree } from 'ts-mls/secretTree.js';
import { decodeWhole } from '../../src/mls/decode.ts';
import type { Report } from './report.ts';
import type { Vector } from './vector.ts';

const RETENTION = { retainKeysForGenerations: 10, retainKeysForEpochs: 1, maximumForwardRatchetSteps: 100 };
const PADDING = { kind: 'padUntilLength', padUntilLength: 256 } as const;
const NO_BYTES = new Uint8Array(0);
/** In all of these vectors the sender is the second of two members. */
const SENDER = 1;

/** Framing, in the clear and encrypted, of a proposal, a commit and an application message (RFC 9420 §6). */
export async function messageProtection(vector: Vector, suite: CiphersuiteImpl, report: Report): Promise<void> {
  const groupContext: GroupContext = {
    version: 'mls10',
    cipherSuite: suite.name,
    groupId: vector.bytes('group_id'),
    epoch: BigInt(vector.number('epoch')),
    treeHash: vector.bytes('tree_hash'),
    confirmedTranscriptHash: vector.bytes('confirmed_transcript_hash'),
    extensions: [],
  };
  const signKey = vector.bytes('signature_priv');
  const publicKey = vector.bytes('signature_pub');
  const membershipKey = vector.bytes('membership_key');
  const senderDataSecret = vector.bytes('sender_data_secret');
  // A copy for every use: deriving a tree may overwrite the secret that it starts from.
  const secretTree = (): ReturnType<typeof createSecretTree> =>
    createSecretTree(2, vector.bytes('encryption_secret'), suite.kdf);

  const openPublic = async (message: PublicMessage): Promise<Uint8Array> => {
    const { content } = await unprotectPublicMessage(membershipKey, groupContext, [], message, suite, publicKey);
    return rawContent(content);
  };
  const openPrivate = async (message: PrivateMessage): Promise<Uint8Array> => {
    const tree = await secretTree();
    const opened = await unprotectPrivateMessage(
      senderDataSecret,
      message,
      tree,
      [],
      groupContext,
      RETENTION,
      suite,
      publicKey,
    );
    return rawContent(opened.content.content);
  };

  const rawProposal = vector.bytes('proposal');
  const proposal = whole(decodeProposal, rawProposal);
  report.equal('proposal_pub', await openPublic(publicOf(vector.bytes('proposal_pub'))), rawProposal);
  report.equal('proposal_priv', await openPrivate(privateOf(vector.bytes('proposal_priv'))), rawProposal);
  const ownPublic = await protectProposalPublic(
    signKey,
    membershipKey,
    groupContext,
    NO_BYTES,
    proposal,
    SENDER,
    suite,
  );
  report.equal('proposal, framed by us in the clear', await openPublic(ownPublic.publicMessage), rawProposal);
  const ownPrivate = await protectProposal(
    signKey,
    senderDataSecret,
    proposal,
    NO_BYTES,
    groupContext,
    await secretTree(),
    SENDER,
    PADDING,
    suite,
  );
  report.equal('proposal, encrypted by us', await openPrivate(ownPrivate.privateMessage), rawProposal);

  const rawCommit = vector.bytes('commit');
  report.equal('commit_pub', await openPublic(publicOf(vector.bytes('commit_pub'))), rawCommit);
  report.equal('commit_priv', await openPrivate(privateOf(vector.bytes('commit_priv'))), rawCommit);
  for (const wireformat of ['mls_public_message', 'mls_private_message'] as const) {
    const { framedContent, signature } = await createContentCommitSignature(
      groupContext,
      wireformat,
      whole(decodeCommit, rawCommit),
      { senderType: 'member', leafIndex: SENDER },
      NO_BYTES,
      signKey,
      suite.signature,
    );
    const auth = { contentType: 'commit' as const, signature, confirmationTag: new Uint8Array(suite.kdf.size) };
    if (wireformat === 'mls_public_message') {
      const content = { wireformat, content: framedContent, auth };
      const message = await protectPublicMessage(membershipKey, groupContext, content, suite);
      report.equal('commit, framed by us in the clear', await openPublic(message), rawCommit);
    } else {
      const content = { ...framedContent, auth };
      const tree = await secretTree();
      const framed = await protect(senderDataSecret, NO_BYTES, groupContext, tree, content, SENDER, PADDING, suite);
      report.equal('commit, encrypted by us', await openPrivate(framed.privateMessage), rawCommit);
    }
  }

  const rawApplication = vector.bytes('application');
  report.equal('application_priv', await openPrivate(privateOf(vector.bytes('application_priv'))), rawApplication);
  const ownApplication = await protectApplicationData(
    signKey,
    senderDataSecret,
    rawApplication,
    NO_BYTES,
    groupContext,
    await secretTree(),
    SENDER,
    PADDING,
    suite,
  );
  report.equal('application, encrypted by us', await openPrivate(ownApplication.privateMessage), rawApplication);
  await report.refuses('application in the clear is refused', () => {
    const content: FramedContentCommit | FramedContentInfo = {
      contentType: 'application',
      applicationData: rawApplication,
    };
    const { groupId, epoch } = groupContext;
    const sender = { senderType: 'member' as const, leafIndex: SENDER };
    return protectPublicMessage(
      membershipKey,
      groupContext,
      {
        wireformat: 'mls_public_message',
        content: { ...content, groupId, epoch, sender, authenticatedData: NO_BYTES },
        auth: { contentType: 'application', signature: NO_BYTES },
      },
      suite,
    );
  });
}

function rawContent(content: FramedContentInfo): Uint8Array {
  switch (content.contentType) {
    case 'application':
      return content.applicationData;
    case 'proposal':
      return encodeProposal(content.proposal);
    case 'commit':
      return encodeCommit(content.commit);
  }
}

function whole<T>(decoder: Decoder<T>, bytes: Uint8Array): T {
  return decodeWhole(decoder, bytes, (cause) => new Error('The bytes of the vector do not decode.', { cause }));
}

function publicOf(bytes: Uint8Array): PublicMessage {
  const message: MLSMessage = whole(decodeMlsMessage, bytes);
  if (message.wireformat === 'mls_public_message') return message.publicMessage;
  throw new Error(`Expected a public message, got ${message.wireformat}.`);
}

function privateOf(bytes: Uint8Array): PrivateMessage {
  const message: MLSMessage = whole(decodeMlsMessage, bytes);
  if (message.wireformat === 'mls_private_message') return message.privateMessage;
  throw new Error(`Expected a private message, got ${message.wireformat}.`);
}
