import type { ClientState } from 'ts-mls/clientState.js';
import type { CiphersuiteImpl } from 'ts-mls/crypto/ciphersuite.js';
import type { GroupContext } from 'ts-mls/groupContext.js';
import type { PrivateMessage } from 'ts-mls/privateMessage.js';
import type { RatchetTree } from 'ts-mls/ratchetTree.js';
import type { SecretTree } from 'ts-mls/secretTree.js';
import type { Member } from './group.ts';
import { memberAt } from './members.ts';
import { messageRefusal } from './message.ts';
import { keysOfGeneration, senderDataKeys, withApplicationRatchet } from './message-keys.ts';
import { decodeApplicationContent, decodeSenderData, type SenderData } from './private-message-decoding.ts';
import { encodeContentAad, encodeSenderDataAad, encodeSignedApplication } from './private-message-encoding.ts';

/** An application message, verified, and the state after it. */
export interface UnprotectedApplication {
  readonly state: ClientState;
  readonly sender: Member;
  readonly plaintext: Uint8Array;
}

/** What an epoch's messages are read with: that of the state, or one that it keeps. */
interface EpochKeys {
  readonly groupContext: GroupContext;
  readonly ratchetTree: RatchetTree;
  readonly secretTree: SecretTree;
  readonly senderDataSecret: Uint8Array;
}

/**
 * Decrypts and verifies an application message of this group, of its epoch or of one whose keys it keeps (RFC 9420 §6.3).
 * The library could do it, in a quarter more time, and does not name the sender.
 *
 * @throws {@link MlsError} `decryption_failure`; for what does not decrypt, whatever the crypto provider throws
 */
export async function unprotectApplication(
  crypto: CiphersuiteImpl,
  state: ClientState,
  message: PrivateMessage,
): Promise<UnprotectedApplication> {
  const epoch = epochKeys(state, message.epoch);
  const { groupContext, ratchetTree, secretTree } = epoch;
  const { leaf, generation, reuseGuard } = await openSenderData(crypto, epoch, message);
  const sender = memberAt(ratchetTree, leaf);
  const ratchet = secretTree[2 * leaf]?.application;
  if (sender === undefined || ratchet === undefined) throw messageRefusal('its sender is not a member');
  const taken = await keysOfGeneration(crypto, state.clientConfig.keyRetentionConfig, ratchet, generation, reuseGuard);
  if (taken === undefined) throw messageRefusal('it was read before, or its keys are gone');

  const opened = await crypto.hpke.decryptAead(taken.key, taken.nonce, encodeContentAad(message), message.ciphertext);
  const content = decodeApplicationContent(opened);
  if (content === undefined) throw messageRefusal('its content is malformed');
  const { plaintext, signature } = content;
  const signed = encodeSignedApplication(groupContext, leaf, message.authenticatedData, plaintext);
  if (!(await crypto.signature.verify(sender.signatureKey, signed, signature))) {
    throw messageRefusal('its sender has not signed it');
  }
  return {
    state: withSecretTree(state, message.epoch, withApplicationRatchet(secretTree, leaf, taken.ratchet)),
    sender,
    plaintext,
  };
}

function epochKeys(state: ClientState, epoch: bigint): EpochKeys {
  const { groupContext, ratchetTree, secretTree, keySchedule } = state;
  if (epoch === groupContext.epoch) {
    return { groupContext, ratchetTree, secretTree, senderDataSecret: keySchedule.senderDataSecret };
  }
  const past = state.historicalReceiverData.get(epoch);
  if (past === undefined) throw messageRefusal('the keys of its epoch are gone');
  return past;
}

async function openSenderData(
  crypto: CiphersuiteImpl,
  { senderDataSecret }: EpochKeys,
  message: PrivateMessage,
): Promise<SenderData> {
  const { key, nonce } = await senderDataKeys(crypto, senderDataSecret, message.ciphertext);
  const aad = encodeSenderDataAad(message);
  const senderData = decodeSenderData(await crypto.hpke.decryptAead(key, nonce, aad, message.encryptedSenderData));
  if (senderData === undefined) throw messageRefusal('its sender data is malformed');
  return senderData;
}

function withSecretTree(state: ClientState, epoch: bigint, secretTree: SecretTree): ClientState {
  const past = state.historicalReceiverData.get(epoch);
  if (epoch === state.groupContext.epoch || past === undefined) return { ...state, secretTree };
  const historicalReceiverData = new Map(state.historicalReceiverData).set(epoch, { ...past, secretTree });
  return { ...state, historicalReceiverData };
}
