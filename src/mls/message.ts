import { decodeMlsMessage } from 'ts-mls';
import type { MLSMessage, MlsMessageContent } from 'ts-mls/message.js';
import { MlsError } from '../base/errors.ts';
import { decodeWhole } from './decode.ts';
import { decodeApplicationMessage } from './private-message-decoding.ts';

/** What an MLSMessage shows to anybody. Not authenticated: whoever carries the message can change it. */
export type MessageHeader =
  | {
      readonly kind: 'application' | 'commit' | 'proposal';
      /** A view of the message's bytes. */
      readonly groupId: Uint8Array;
      /** The epoch that the message was made in; for a commit the one that it ends. */
      readonly epoch: bigint;
    }
  | {
      /** `other`: a key package or a group info. */
      readonly kind: 'welcome' | 'other';
      readonly groupId: undefined;
      readonly epoch: undefined;
    };

/**
 * Reads the header of an MLSMessage (RFC 9420 §6) without decrypting anything. Copies nothing.
 *
 * @throws {@link MlsError} `mls_error` for bytes that are no MLSMessage.
 */
export function inspectMessage(bytes: Uint8Array): MessageHeader {
  return headerOf(decodeMessage(bytes));
}

/**
 * An MLSMessage in the library's form. Aliases `bytes`: pass a copy if any of it will be kept.
 *
 * @throws {@link MlsError} `mls_error` for bytes that are no MLSMessage.
 */
export function decodeMessage(bytes: Uint8Array): MLSMessage {
  const privateMessage = decodeApplicationMessage(bytes);
  if (privateMessage !== undefined) return { version: 'mls10', wireformat: 'mls_private_message', privateMessage };
  return decodeWhole(
    decodeMlsMessage,
    bytes,
    (cause) => new MlsError('mls_error', 'The bytes are not an MLS message.', { cause }),
  );
}

/** The header of a decoded message. */
export function headerOf(message: MlsMessageContent): MessageHeader {
  switch (message.wireformat) {
    case 'mls_private_message': {
      const { contentType, groupId, epoch } = message.privateMessage;
      return { kind: contentType, groupId, epoch };
    }
    case 'mls_public_message': {
      const { contentType, groupId, epoch } = message.publicMessage.content;
      return { kind: contentType, groupId, epoch };
    }
    case 'mls_welcome':
      return { kind: 'welcome', groupId: undefined, epoch: undefined };
    case 'mls_group_info':
    case 'mls_key_package':
      return { kind: 'other', groupId: undefined, epoch: undefined };
  }
}

/** The error for a message that is not taken. */
export function messageRefusal(reason: string, cause?: unknown): MlsError {
  return new MlsError('decryption_failure', `The message was refused: ${reason}.`, { cause });
}
