import type { PrivateMessage } from 'ts-mls/privateMessage.js';
import { TlsReader } from './tls-reader.ts';

/*
 * What is decoded for each application message, the inverse of `private-message-encoding.ts` and by hand for the same reason.
 * All of it are views of what was decoded.
 */

/** `version` mls10 and `wire_format` mls_private_message as one number. */
const HEAD = 0x0001_0002;
const APPLICATION = 1;
const REUSE_GUARD_BYTES = 4;

/** Who sent a message, and with which of its keys (RFC 9420 §6.3.2). */
export interface SenderData {
  readonly leaf: number;
  readonly generation: number;
  readonly reuseGuard: Uint8Array;
}

/** An MLSMessage with an application message, `undefined` for all other bytes: whoever gets them asks the library. */
export function decodeApplicationMessage(bytes: Uint8Array): PrivateMessage | undefined {
  const reader = new TlsReader(bytes);
  if (reader.uint32() !== HEAD) return undefined;
  const groupId = reader.vector();
  const epoch = reader.uint64();
  if (reader.uint8() !== APPLICATION) return undefined;
  const authenticatedData = reader.vector();
  const encryptedSenderData = reader.vector();
  const ciphertext = reader.vector();
  if (!reader.isAtEnd) return undefined;
  return { groupId, epoch, contentType: 'application', authenticatedData, encryptedSenderData, ciphertext };
}

/** SenderData, `undefined` for bytes that are none. */
export function decodeSenderData(bytes: Uint8Array): SenderData | undefined {
  const reader = new TlsReader(bytes);
  const senderData = { leaf: reader.uint32(), generation: reader.uint32(), reuseGuard: reader.raw(REUSE_GUARD_BYTES) };
  return reader.isAtEnd ? senderData : undefined;
}

/** PrivateMessageContent of an application message (RFC 9420 §6.3.1), `undefined` for bytes that are none. */
export function decodeApplicationContent(
  bytes: Uint8Array,
): { readonly plaintext: Uint8Array; readonly signature: Uint8Array } | undefined {
  const reader = new TlsReader(bytes);
  const plaintext = reader.vector();
  const signature = reader.vector();
  return reader.hasOverrun || !isZero(reader.rest()) ? undefined : { plaintext, signature };
}

/** Whether padding is: anything else in it would be a message that nobody has signed. */
function isZero(padding: Uint8Array): boolean {
  // An index, not a callback: padding is as long as the message, at times.
  for (let index = 0; index < padding.length; index++) if (padding[index] !== 0) return false;
  return true;
}
