import { createPrivateKey, createPublicKey, randomFillSync } from 'node:crypto';
import type { KeyObject } from 'node:crypto';

/** The two uses of Curve25519, by their names in a JWK (RFC 8037). */
export type Curve = 'Ed25519' | 'X25519';

/** Bytes of a private and of a public key. */
export const CURVE_KEY_BYTES = 32;

/*
 * Keys are imported as JWK, which takes a tenth of the time that DER takes, and never made by generateKeyPairSync:
 * exporting such a key as JWK deadlocked Node 20 after some thousand rounds.
 */

/** A private key from its 32 bytes. */
export function importPrivateKey(curve: Curve, bytes: Uint8Array): KeyObject {
  // Node computes the public key and does not look at `x`, but demands that it is there.
  return createPrivateKey({ key: { kty: 'OKP', crv: curve, d: toBase64Url(bytes), x: '' }, format: 'jwk' });
}

/** A public key from its 32 bytes. */
export function importPublicKey(curve: Curve, bytes: Uint8Array): KeyObject {
  return createPublicKey({ key: { kty: 'OKP', crv: curve, x: toBase64Url(bytes) }, format: 'jwk' });
}

/** The 32 bytes of the public key that belongs to a private one. */
export function publicBytesOf(privateKey: KeyObject): Uint8Array {
  const { x } = createPublicKey(privateKey).export({ format: 'jwk' });
  if (x === undefined) throw new Error('The key has no public part.');
  return new Uint8Array(Buffer.from(x, 'base64url'));
}

/** 32 fresh bytes, which on these curves are a private key. */
export function randomPrivateKey(): Uint8Array {
  return randomFillSync(new Uint8Array(CURVE_KEY_BYTES));
}

/** How a JWK writes bytes. */
export function toBase64Url(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64url');
}
