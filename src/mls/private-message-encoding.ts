import { encodeGroupContext } from 'ts-mls/groupContext.js';
import type { GroupContext } from 'ts-mls/groupContext.js';
import { ascii } from './crypto/bytes.ts';
import { TlsWriter, vectorBytes } from './tls-writer.ts';

/*
 * What is encoded for each application message, as the library's encoder would write it. By hand because every message
 * that is sent comes through here, and the library makes some dozens of closures for each.
 */

/** `version` mls10 and `wire_format` mls_private_message, the head of an MLSMessage (RFC 9420 §6). */
const HEAD = Uint8Array.of(0, 1, 0, 2);
const APPLICATION = 1;
const MEMBER = 1;
/** Bytes of an epoch and a content type. */
const EPOCH_AND_TYPE = 8 + 1;
const SIGNATURE_LABEL = ascii('MLS 1.0 FramedContentTBS');

/** The context stays for an epoch, which may have thousands of messages. */
const encodedContexts = new WeakMap<GroupContext, Uint8Array>();

/** What an application message and its parts have in common. */
export interface ApplicationHeader {
  readonly groupId: Uint8Array;
  readonly epoch: bigint;
  readonly authenticatedData: Uint8Array;
}

/** The two parts of a PrivateMessage that are encrypted. */
export interface SealedParts {
  readonly encryptedSenderData: Uint8Array;
  readonly ciphertext: Uint8Array;
}

/** An application message as an MLSMessage (RFC 9420 §6, §6.3). */
export function encodeApplicationMessage(message: ApplicationHeader & SealedParts): Uint8Array {
  const { encryptedSenderData, ciphertext } = message;
  const length = vectorBytes(encryptedSenderData.length) + vectorBytes(ciphertext.length);
  const writer = new TlsWriter(HEAD.length + contentAadBytes(message) + length).raw(HEAD);
  return writeContentAad(writer, message).vector(encryptedSenderData).vector(ciphertext).finish();
}

/** PrivateContentAAD of an application message (RFC 9420 §6.3.1). */
export function encodeContentAad(header: ApplicationHeader): Uint8Array {
  return writeContentAad(new TlsWriter(contentAadBytes(header)), header).finish();
}

/** SenderDataAAD of an application message (RFC 9420 §6.3.2). */
export function encodeSenderDataAad({ groupId, epoch }: ApplicationHeader): Uint8Array {
  return new TlsWriter(vectorBytes(groupId.length) + EPOCH_AND_TYPE)
    .vector(groupId)
    .uint64(epoch)
    .uint8(APPLICATION)
    .finish();
}

/** SenderData (RFC 9420 §6.3.2). `reuseGuard` has 4 bytes. */
export function encodeSenderData(leaf: number, generation: number, reuseGuard: Uint8Array): Uint8Array {
  return new TlsWriter(12).uint32(leaf).uint32(generation).raw(reuseGuard).finish();
}

/** PrivateMessageContent of an application message, with zeros behind it up to `paddedLength` (RFC 9420 §6.3.1). */
export function encodeApplicationContent(
  plaintext: Uint8Array,
  signature: Uint8Array,
  paddedLength: number,
): Uint8Array {
  const length = vectorBytes(plaintext.length) + vectorBytes(signature.length);
  return new TlsWriter(Math.max(length, paddedLength)).vector(plaintext).vector(signature).finish();
}

/**
 * What a member signs for an application message: SignContent with the label FramedContentTBS (RFC 9420 §5.1.2, §6.1).
 * `context` must never be written to.
 */
export function encodeSignedApplication(
  context: GroupContext,
  leaf: number,
  authenticatedData: Uint8Array,
  plaintext: Uint8Array,
): Uint8Array {
  const encodedContext = encodeContext(context);
  const framedBytes =
    vectorBytes(context.groupId.length) +
    8 +
    5 +
    vectorBytes(authenticatedData.length) +
    1 +
    vectorBytes(plaintext.length);
  const contentBytes = HEAD.length + framedBytes + encodedContext.length;
  return new TlsWriter(vectorBytes(SIGNATURE_LABEL.length) + vectorBytes(contentBytes))
    .vector(SIGNATURE_LABEL)
    .length(contentBytes)
    .raw(HEAD)
    .vector(context.groupId)
    .uint64(context.epoch)
    .uint8(MEMBER)
    .uint32(leaf)
    .vector(authenticatedData)
    .uint8(APPLICATION)
    .vector(plaintext)
    .raw(encodedContext)
    .finish();
}

function encodeContext(context: GroupContext): Uint8Array {
  let encoded = encodedContexts.get(context);
  if (encoded === undefined) {
    encoded = encodeGroupContext(context);
    encodedContexts.set(context, encoded);
  }
  return encoded;
}

function contentAadBytes({ groupId, authenticatedData }: ApplicationHeader): number {
  return vectorBytes(groupId.length) + EPOCH_AND_TYPE + vectorBytes(authenticatedData.length);
}

function writeContentAad(writer: TlsWriter, { groupId, epoch, authenticatedData }: ApplicationHeader): TlsWriter {
  return writer.vector(groupId).uint64(epoch).uint8(APPLICATION).vector(authenticatedData);
}
