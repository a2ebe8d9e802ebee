import type { MLSMessage } from 'ts-mls/message.js';
import type { PrivateMessage } from 'ts-mls/privateMessage.js';
import { decryptSenderData } from 'ts-mls/privateMessage.js';
import { copyBytes } from '../base/bytes.ts';
import { MlsError } from '../base/errors.ts';
import { engineParts } from './engine.ts';
import type { MlsEngine } from './engine.ts';
import type { Group } from './group.ts';
import { stateOf } from './group-state.ts';
import { decodeMessage } from './message.ts';

/**
 * Whether a message of our own was made by a later value of the group than this one: with a key that this value has
 * not used yet, as far as it knows. Then the value comes from an old copy of the data directory, and whatever it encrypted
 * would be encrypted under keys that are used already.
 *
 * False for messages of others, of a leaf that we do not have any more, of epochs whose keys are gone, and for bytes that
 * are no MLS message.
 */
export async function comesFromLaterState(engine: MlsEngine, group: Group, bytes: Uint8Array): Promise<boolean> {
  const message = decode(bytes);
  if (message?.wireformat !== 'mls_private_message') return false;
  const { privateMessage } = message;
  const { crypto } = engineParts(engine);
  const { groupContext, keySchedule, secretTree, historicalReceiverData } = stateOf(group);
  const { senderDataSecret, secretTree: tree } =
    privateMessage.epoch === groupContext.epoch
      ? { senderDataSecret: keySchedule.senderDataSecret, secretTree }
      : (historicalReceiverData.get(privateMessage.epoch) ?? { senderDataSecret: undefined, secretTree });
  if (senderDataSecret === undefined) return false;
  const sender = await openSenderData(() => decryptSenderData(privateMessage, senderDataSecret, crypto));
  if (sender?.leafIndex !== group.ownLeaf) return false;
  const ratchets = tree[2 * group.ownLeaf];
  const ratchet = ratchets?.[ratchetOf(privateMessage)];
  return ratchet !== undefined && sender.generation >= ratchet.generation;
}

function decode(bytes: Uint8Array): MLSMessage | undefined {
  try {
    return decodeMessage(copyBytes(bytes));
  } catch (error) {
    if (error instanceof MlsError) return undefined;
    throw error;
  }
}

function ratchetOf({ contentType }: PrivateMessage): 'application' | 'handshake' {
  return contentType === 'application' ? 'application' : 'handshake';
}

/** Sender data that does not open belongs to nobody: what is wrong with the message is found when it is read. */
async function openSenderData<T>(open: () => Promise<T>): Promise<T | undefined> {
  try {
    return await open();
  } catch {
    return undefined;
  }
}
