import { decodeMlsMessage } from 'ts-mls';
import { copyBytes } from '../../base/bytes.ts';
import { TlsReader } from '../tls-reader.ts';
import { TlsWriter, vectorBytes } from '../tls-writer.ts';

/** What a commit tells the other members of a leaf that it adds: by which invite it came. */
export interface AdmissionNote {
  readonly leafTag: Uint8Array;
  /** 16 bytes. */
  readonly inviteId: Uint8Array;
  /** Of the invite, in Unix milliseconds. */
  readonly expiresAtMs: number;
}

const VERSION = 1;
const TAG_BYTES = 16;
const ID_BYTES = 16;
const NOTE_BYTES = TAG_BYTES + ID_BYTES + 8;
const NO_BYTES = new Uint8Array(0);

/** Notes as the authenticated data of a commit (RFC 9420 §6). Readable on the way: it tells ids of invites, and nothing else. */
export function encodeAdmissionNotes(notes: readonly AdmissionNote[]): Uint8Array {
  if (notes.length === 0) return NO_BYTES;
  const list = new TlsWriter(notes.length * NOTE_BYTES);
  for (const { leafTag, inviteId, expiresAtMs } of notes) {
    list
      .raw(leafTag)
      .raw(inviteId)
      .uint64(BigInt(Math.floor(expiresAtMs)));
  }
  const bytes = list.finish();
  return new TlsWriter(1 + vectorBytes(bytes.length)).uint8(VERSION).vector(bytes).finish();
}

/**
 * The notes in a commit. Only to be believed when the commit was found authentic. What is no notes, or notes of a newer
 * version, is none: the leaves are added all the same.
 */
export function admissionNotesOf(commit: Uint8Array): readonly AdmissionNote[] {
  const message = decodeMlsMessage(commit, 0)?.[0];
  if (message?.wireformat === 'mls_private_message') return decode(message.privateMessage.authenticatedData);
  if (message?.wireformat === 'mls_public_message') return decode(message.publicMessage.content.authenticatedData);
  return [];
}

function decode(bytes: Uint8Array): readonly AdmissionNote[] {
  const reader = new TlsReader(bytes);
  const version = reader.uint8();
  const list = reader.vector();
  if (!reader.isAtEnd || version !== VERSION || list.length % NOTE_BYTES !== 0) return [];
  const inner = new TlsReader(list);
  return Array.from({ length: list.length / NOTE_BYTES }, () => ({
    leafTag: copyBytes(inner.raw(TAG_BYTES)),
    inviteId: copyBytes(inner.raw(ID_BYTES)),
    expiresAtMs: Number(inner.uint64()),
  }));
}
