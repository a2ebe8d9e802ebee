import type { CiphersuiteImpl } from 'ts-mls/crypto/ciphersuite.js';
import { ascii } from './crypto/bytes.ts';
import { TlsWriter, vectorBytes } from './tls-writer.ts';

/** A label of {@link expandLabel}. */
export type KeyLabel = 'key' | 'nonce' | 'secret';

/** What the keys of a message are derived with, each as a vector: its length, and then itself. */
const LABELS: Readonly<Record<KeyLabel, Uint8Array>> = {
  key: labelVector('MLS 1.0 key'),
  nonce: labelVector('MLS 1.0 nonce'),
  secret: labelVector('MLS 1.0 secret'),
};
/** Bytes of the wanted length, in front of the label. */
const LENGTH_BYTES = 2;

/** Contexts up to here have a length of one byte. */
const SHORT_BYTES = 63;

/** ExpandWithLabel (RFC 9420 §8) for the keys of a message, which takes five of them. */
export function expandLabel(
  kdf: CiphersuiteImpl['kdf'],
  secret: Uint8Array,
  label: KeyLabel,
  context: Uint8Array,
  length: number,
): Promise<Uint8Array> {
  const name = LABELS[label];
  if (context.length > SHORT_BYTES) {
    const writer = new TlsWriter(LENGTH_BYTES + name.length + vectorBytes(context.length));
    return kdf.expand(secret, writer.uint16(length).raw(name).vector(context).finish(), length);
  }
  // Without a writer, which would take as long as the expansion itself.
  const contextAt = LENGTH_BYTES + name.length;
  const info = new Uint8Array(contextAt + 1 + context.length);
  info[0] = length >>> 8;
  info[1] = length;
  info.set(name, LENGTH_BYTES);
  info[contextAt] = context.length;
  info.set(context, contextAt + 1);
  return kdf.expand(secret, info, length);
}

function labelVector(label: string): Uint8Array {
  const text = ascii(label);
  return Uint8Array.of(text.length, ...text);
}
