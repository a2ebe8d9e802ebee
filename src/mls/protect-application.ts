import type { ClientState } from 'ts-mls/clientState.js';
import type { CiphersuiteImpl } from 'ts-mls/crypto/ciphersuite.js';
import type { SecretTree } from 'ts-mls/secretTree.js';
import { MlsError } from '../base/errors.ts';
import { checkNotErased } from './erase.ts';
import { nextKeys, senderDataKeys, withApplicationRatchet } from './message-keys.ts';
import {
  encodeApplicationContent,
  encodeApplicationMessage,
  encodeContentAad,
  encodeSenderData,
  encodeSenderDataAad,
  encodeSignedApplication,
} from './private-message-encoding.ts';

const REUSE_GUARD_BYTES = 4;

/** A protected message, and the ratchets after it. */
export interface ProtectedApplication {
  readonly secretTree: SecretTree;
  /** An MLSMessage with a PrivateMessage. */
  readonly message: Uint8Array;
}

/**
 * Signs and encrypts application data as a PrivateMessage (RFC 9420 §6.1, §6.3). The library could do it; half of its
 * time would go into encoders that are put together anew for each field, and into the group context, which here is encoded
 * once for each epoch.
 *
 * @param paddedLength bytes that content and signature have at least, inside of the ciphertext
 *
 * @throws {@link MlsError} `mls_error` if the group has no keys for this member.
 */
export async function protectApplication(
  crypto: CiphersuiteImpl,
  state: ClientState,
  plaintext: Uint8Array,
  authenticatedData: Uint8Array,
  paddedLength: number,
): Promise<ProtectedApplication> {
  const { groupContext, keySchedule, privatePath, secretTree, signaturePrivateKey } = state;
  const { groupId, epoch } = groupContext;
  const { leafIndex } = privatePath;
  const header = { groupId, epoch, authenticatedData };
  const ratchet = secretTree[2 * leafIndex]?.application;
  if (ratchet === undefined) throw new MlsError('mls_error', 'The group has no keys for this member.');
  checkNotErased(ratchet.secret);

  const reuseGuard = crypto.rng.randomBytes(REUSE_GUARD_BYTES);
  const taken = await nextKeys(crypto, ratchet, reuseGuard);
  const signed = encodeSignedApplication(groupContext, leafIndex, authenticatedData, plaintext);
  const signature = await crypto.signature.sign(signaturePrivateKey, signed);
  const content = encodeApplicationContent(plaintext, signature, paddedLength);
  const ciphertext = await crypto.hpke.encryptAead(taken.key, taken.nonce, encodeContentAad(header), content);

  const senderData = encodeSenderData(leafIndex, ratchet.generation, reuseGuard);
  const { key, nonce } = await senderDataKeys(crypto, keySchedule.senderDataSecret, ciphertext);
  const encryptedSenderData = await crypto.hpke.encryptAead(key, nonce, encodeSenderDataAad(header), senderData);
  return {
    secretTree: withApplicationRatchet(secretTree, leafIndex, taken.ratchet),
    message: encodeApplicationMessage({ ...header, encryptedSenderData, ciphertext }),
  };
}
