import type { CiphersuiteImpl } from 'ts-mls/crypto/ciphersuite.js';
import { ascii } from './crypto/bytes.ts';
import { TlsWriter, vectorBytes } from './tls-writer.ts';

/** A label of {@link expandLabel}. */
export type KeyLabel = 'key' | 'nonce' | 'secret';

/** What the keys of a message are derived with. */
const LABELS: Readonly<Record<KeyLabel, Uint8Array>> = {
  key: ascii('MLS 1.0 key'),
  nonce: ascii('MLS 1.0 nonce'),
  secret: ascii('MLS 1.0 secret'),
};

/** ExpandWithLabel (RFC 9420 §8) for the keys of a message, which takes five of them. */
export function expandLabel(
  kdf: CiphersuiteImpl['kdf'],
  secret: Uint8Array,
  label: KeyLabel,
  context: Uint8Array,
  length: number,
): Promise<Uint8Array> {
  const name = LABELS[label];
  const info = new TlsWriter(2 + vectorBytes(name.length) + vectorBytes(context.length));
  return kdf.expand(secret, info.uint16(length).vector(name).vector(context).finish(), length);
}
