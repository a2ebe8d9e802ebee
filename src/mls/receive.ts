import type { ClientState } from 'ts-mls/clientState.js';
import type { MLSMessage, MlsPrivateMessage, MlsPublicMessage } from 'ts-mls/message.js';
import type { PrivateMessage } from 'ts-mls/privateMessage.js';
import { copyBytes, equalBytes } from '../base/bytes.ts';
import { checkBytes } from '../base/check.ts';
import { MlsError, SkytaleError } from '../base/errors.ts';
import { engineParts } from './engine.ts';
import type { EngineParts, MlsEngine } from './engine.ts';
import type { Group } from './group.ts';
import { activeStateOf, wrapState } from './group-state.ts';
import { NO_PINS } from './identity-pins.ts';
import type { IdentityPins } from './identity-pins.ts';
import { decodeMessage, headerOf, messageRefusal } from './message.ts';
import { receiveCommit, receiveProposal } from './receive-handshake.ts';
import type { Received } from './received.ts';
import { unprotectApplication } from './unprotect-application.ts';

/**
 * Decrypts and verifies a message of the group. Application messages are also read up to four epochs late, each once. Of
 * proposals that travel alone, only a member's wish to leave is one; it must be of the current epoch. Whatever is refused
 * leaves the given group as usable as it was.
 *
 * @param pins what the engine's policy and `keyChanged` compare the keys of new members with
 *
 * @throws {@link MlsError} `epoch_mismatch` for a message of a later epoch or of one that is too old,
 * `removed_from_group` if we are no member any more, `decryption_failure` for all else that does not decrypt or verify:
 * damaged, of another group, seen before, our own, against the rules of the group, or a commit that adds somebody whom
 * the engine's policy does not accept. `mls_error` if that policy fails.
 */
export async function receiveMessage(
  engine: MlsEngine,
  group: Group,
  bytes: Uint8Array,
  pins: IdentityPins = NO_PINS,
): Promise<Received> {
  const parts = engineParts(engine);
  const state = activeStateOf(group);
  checkBytes('bytes', bytes);
  const message = openMessage(state, bytes);
  try {
    if (message.wireformat === 'mls_private_message' && message.privateMessage.contentType === 'application') {
      return await receiveApplication(parts, state, message.privateMessage);
    }
    return headerOf(message).kind === 'proposal'
      ? await receiveProposal(parts, state, message)
      : await receiveCommit(parts, state, message, pins);
  } catch (cause) {
    if (cause instanceof SkytaleError) throw cause;
    throw messageRefusal('it does not decrypt or verify', cause);
  }
}

/** Decodes a message and finds out whether this state can have anything to do with it. */
function openMessage(state: ClientState, bytes: Uint8Array): MlsPrivateMessage | MlsPublicMessage {
  const message = decode(bytes);
  const { kind, groupId, epoch } = headerOf(message);
  if (message.wireformat !== 'mls_private_message' && message.wireformat !== 'mls_public_message') {
    throw messageRefusal('it is not a message of a group');
  }
  const { groupContext, historicalReceiverData } = state;
  if (groupId === undefined || !equalBytes(groupId, groupContext.groupId))
    throw messageRefusal('it belongs to another group');
  const isReadable = epoch === groupContext.epoch || (kind === 'application' && historicalReceiverData.has(epoch));
  if (!isReadable) {
    const relation = epoch > groupContext.epoch ? 'is still in' : 'has moved on to';
    throw new MlsError(
      'epoch_mismatch',
      `The ${kind} message is of epoch ${epoch}; the group ${relation} epoch ${groupContext.epoch}.`,
    );
  }
  if (message.wireformat === 'mls_private_message') return message;
  if (message.publicMessage.senderType !== 'member') throw messageRefusal('its sender is not a member');
  // The state keeps parts of what arrives in the clear, and decoding has made them views of the caller's bytes.
  return decode(copyBytes(bytes)) as MlsPublicMessage;
}

function decode(bytes: Uint8Array): MLSMessage {
  try {
    return decodeMessage(bytes);
  } catch (cause) {
    throw messageRefusal('it is not an MLS message', cause);
  }
}

async function receiveApplication(
  { crypto }: EngineParts,
  state: ClientState,
  message: PrivateMessage,
): Promise<Received> {
  const { state: next, sender, plaintext } = await unprotectApplication(crypto, state, message);
  if (sender.leaf === state.privatePath.leafIndex) throw messageRefusal('it is our own');
  const authenticatedData = copyBytes(message.authenticatedData);
  return { kind: 'application', group: wrapState(next), sender, plaintext, authenticatedData };
}
