import type { PrivateMessage } from 'ts-mls/privateMessage.js';

/** `version` mls10 and `wire_format` mls_private_message, the head of an MLSMessage (RFC 9420 §6). */
const HEAD = [0, 1, 0, 2] as const;
const APPLICATION = 1;
/** Bytes beside those of the four fields of variable length and their lengths. */
const FIXED_BYTES = HEAD.length + 8 + 1;

/**
 * An application message as an MLSMessage, as the library's encoder writes it. Written by hand because every message
 * that is sent comes through here, and the library makes some dozen closures for each.
 */
export function encodeApplicationMessage(message: Omit<PrivateMessage, 'contentType'>): Uint8Array {
  const { groupId, epoch, authenticatedData, encryptedSenderData, ciphertext } = message;
  let length = FIXED_BYTES;
  for (const field of [groupId, authenticatedData, encryptedSenderData, ciphertext]) {
    length += lengthBytes(field.length) + field.length;
  }
  const bytes = new Uint8Array(length);
  const view = new DataView(bytes.buffer);
  bytes.set(HEAD);
  let at = writeVariable(bytes, view, HEAD.length, groupId);
  view.setBigUint64(at, epoch);
  bytes[at + 8] = APPLICATION;
  at = writeVariable(bytes, view, at + 9, authenticatedData);
  at = writeVariable(bytes, view, at, encryptedSenderData);
  writeVariable(bytes, view, at, ciphertext);
  return bytes;
}

/** Bytes of a length (RFC 9420 §2.1.2): its two highest bits tell which of three sizes it has. */
function lengthBytes(length: number): 1 | 2 | 4 {
  if (length < 2 ** 6) return 1;
  return length < 2 ** 14 ? 2 : 4;
}

/** Writes a field with its length before it, and answers where the next one begins. */
function writeVariable(bytes: Uint8Array, view: DataView, at: number, field: Uint8Array): number {
  const size = lengthBytes(field.length);
  if (size === 1) view.setUint8(at, field.length);
  else if (size === 2) view.setUint16(at, field.length + 0x4000);
  else view.setUint32(at, field.length + 0x8000_0000);
  bytes.set(field, at + size);
  return at + size + field.length;
}
