import { emptyPskIndex, processPrivateMessage, processPublicMessage } from 'ts-mls';
import type { ClientState } from 'ts-mls/clientState.js';
import type { IncomingMessageCallback } from 'ts-mls/incomingMessageAction.js';
import type { MLSMessage, MlsPrivateMessage, MlsPublicMessage } from 'ts-mls/message.js';
import type { PrivateMessage } from 'ts-mls/privateMessage.js';
import type { SecretTree } from 'ts-mls/secretTree.js';
import { copyBytes, equalBytes } from '../base/bytes.ts';
import { checkBytes } from '../base/check.ts';
import { MlsError } from '../base/errors.ts';
import { engineParts } from './engine.ts';
import type { EngineParts, MlsEngine } from './engine.ts';
import type { Group, Member } from './group.ts';
import { activeStateOf, wrapState } from './group-state.ts';
import { memberAt } from './members.ts';
import { objectionToLeaves, objectionToProposals } from './membership-policy.ts';
import { decodeMessage, headerOf } from './message.ts';

/** What came out of a message, and the group after it. */
export type Received =
  | {
      readonly kind: 'application';
      readonly group: Group;
      readonly sender: Member;
      readonly plaintext: Uint8Array;
      readonly authenticatedData: Uint8Array;
    }
  | {
      readonly kind: 'commit';
      /** In the next epoch; or in the same, and not active, if the commit removes us. */
      readonly group: Group;
      readonly committer: Member | undefined;
    };

/**
 * Decrypts and verifies a message of the group. Application messages are also read up to four epochs late, each once.
 * Whatever is refused leaves the given group as usable as it was.
 *
 * @throws {@link MlsError} `epoch_mismatch` for a message of a later epoch or of one that is too old,
 * `removed_from_group` if we are no member any more, `decryption_failure` for all else that does not decrypt or verify:
 * damaged, of another group, seen before, our own, or against the rules of the group.
 */
export async function receiveMessage(engine: MlsEngine, group: Group, bytes: Uint8Array): Promise<Received> {
  const parts = engineParts(engine);
  const state = activeStateOf(group);
  checkBytes('bytes', bytes);
  const message = openMessage(state, bytes);
  try {
    return message.wireformat === 'mls_private_message' && message.privateMessage.contentType === 'application'
      ? await receiveApplication(parts, state, message.privateMessage)
      : await receiveCommit(parts, state, message);
  } catch (cause) {
    if (cause instanceof MlsError) throw cause;
    throw refusal('it does not decrypt or verify', cause);
  }
}

/** Decodes a message and finds out whether this state can have anything to do with it. */
function openMessage(state: ClientState, bytes: Uint8Array): MlsPrivateMessage | MlsPublicMessage {
  const message = decode(bytes);
  const { kind, groupId, epoch } = headerOf(message);
  if (message.wireformat !== 'mls_private_message' && message.wireformat !== 'mls_public_message') {
    throw refusal('it is not a message of a group');
  }
  const { groupContext, historicalReceiverData } = state;
  if (groupId === undefined || !equalBytes(groupId, groupContext.groupId)) throw refusal('it belongs to another group');
  const isReadable = epoch === groupContext.epoch || (kind === 'application' && historicalReceiverData.has(epoch));
  if (!isReadable) {
    const relation = epoch > groupContext.epoch ? 'is still in' : 'has moved on to';
    throw new MlsError(
      'epoch_mismatch',
      `The ${kind} message is of epoch ${epoch}; the group ${relation} epoch ${groupContext.epoch}.`,
    );
  }
  if (kind === 'proposal') throw refusal('proposals that travel alone are not supported');
  if (message.wireformat === 'mls_private_message') return message;
  if (message.publicMessage.senderType !== 'member') throw refusal('its sender is not a member');
  // The tree keeps parts of a commit that arrives in the clear, and decoding has made them views of the caller's bytes.
  return decode(copyBytes(bytes)) as MlsPublicMessage;
}

function decode(bytes: Uint8Array): MLSMessage {
  try {
    return decodeMessage(bytes);
  } catch (cause) {
    throw refusal('it is not an MLS message', cause);
  }
}

async function receiveApplication(
  { crypto }: EngineParts,
  state: ClientState,
  message: PrivateMessage,
): Promise<Received> {
  const result = await processPrivateMessage(state, message, emptyPskIndex, crypto);
  if (result.kind !== 'applicationMessage') throw refusal('it is not what its header says');
  const sender = findSender(state, result.newState, message.epoch);
  if (sender.leaf === state.privatePath.leafIndex) throw refusal('it is our own');
  return {
    kind: 'application',
    group: wrapState(result.newState),
    sender,
    plaintext: result.message,
    authenticatedData: copyBytes(message.authenticatedData),
  };
}

/**
 * Who sent the application message between two states. The library verifies the sender but does not name it; it is
 * the one leaf whose ratchet has moved.
 */
function findSender(before: ClientState, after: ClientState, epoch: bigint): Member {
  const isCurrent = epoch === before.groupContext.epoch;
  const old = isCurrent ? before : before.historicalReceiverData.get(epoch);
  const next = isCurrent ? after : after.historicalReceiverData.get(epoch);
  if (old !== undefined && next !== undefined) {
    const sender = memberAt(old.ratchetTree, changedNode(old.secretTree, next.secretTree) / 2);
    if (sender !== undefined) return sender;
  }
  throw refusal('its sender cannot be told');
}

function changedNode(before: SecretTree, after: SecretTree): number {
  return after.findIndex((node, index) => node !== before[index]);
}

async function receiveCommit(
  { crypto }: EngineParts,
  state: ClientState,
  message: MlsPrivateMessage | MlsPublicMessage,
): Promise<Received> {
  let committer: Member | undefined;
  let objection: string | undefined;
  const judge: IncomingMessageCallback = (incoming) => {
    if (incoming.kind === 'proposal') {
      objection = 'it is not what its header says';
      return 'reject';
    }
    if (incoming.senderLeafIndex !== undefined) committer = memberAt(state.ratchetTree, incoming.senderLeafIndex);
    objection = objectionToProposals(
      state.ratchetTree,
      incoming.proposals.map(({ proposal }) => proposal),
    );
    return objection === undefined ? 'accept' : 'reject';
  };
  const { newState } =
    message.wireformat === 'mls_private_message'
      ? await processPrivateMessage(state, message.privateMessage, emptyPskIndex, crypto, judge)
      : await processPublicMessage(state, message.publicMessage, emptyPskIndex, crypto, judge);
  objection ??= objectionToLeaves(state.ratchetTree, newState.ratchetTree);
  if (objection !== undefined) throw refusal(objection);
  return { kind: 'commit', group: wrapState(newState), committer };
}

function refusal(reason: string, cause?: unknown): MlsError {
  return new MlsError('decryption_failure', `The message was refused: ${reason}.`, { cause });
}
