import { createPrivateKey, createPublicKey, ECDH, sign, verify } from 'node:crypto';
import type { JsonWebKey } from 'node:crypto';
import { own } from './bytes.ts';
import { toBase64Url } from './curve-keys.ts';
import { KeyCache } from './key-cache.ts';
import { p256, POINT_BYTES, SCALAR_BYTES } from './p256.ts';
import type { SignatureScheme } from './signature-scheme.ts';

const COMPRESSED_BYTES = 1 + SCALAR_BYTES;

// As JWK, for the reason that curve-keys.ts tells.
const privateKeys = new KeyCache((bytes) =>
  createPrivateKey({ key: { ...jwkOf(p256.publicKeyOf(bytes)), d: toBase64Url(bytes) }, format: 'jwk' }),
);
const publicKeys = new KeyCache((bytes) => createPublicKey({ key: jwkOf(uncompressed(bytes)), format: 'jwk' }));

/**
 * ECDSA over P-256 with SHA-256, signatures in DER (RFC 9420 §5.1.1). Public keys that are made here are points that
 * are not compressed, as the RFC asks; compressed ones are understood, because the library's own provider makes them.
 */
export const ecdsaP256: SignatureScheme = {
  sign: (privateKey, message) => own(sign('sha256', message, privateKeys.get(privateKey))),
  verify: (publicKey, message, signature) =>
    (publicKey.length === POINT_BYTES || publicKey.length === COMPRESSED_BYTES) &&
    verify('sha256', message, publicKeys.get(publicKey), signature),
  generate() {
    const signKey = p256.randomPrivateKey();
    return { publicKey: p256.publicKeyOf(signKey), signKey };
  },
};

function jwkOf(point: Uint8Array): JsonWebKey {
  const y = 1 + SCALAR_BYTES;
  return { kty: 'EC', crv: 'P-256', x: toBase64Url(point.subarray(1, y)), y: toBase64Url(point.subarray(y)) };
}

function uncompressed(point: Uint8Array): Uint8Array {
  if (point.length === POINT_BYTES) return p256.checkPublicKey(point);
  // Without an encoding the answer is a Buffer; the type allows for a string.
  return ECDH.convertKey(point, 'prime256v1', undefined, undefined, 'uncompressed') as Buffer;
}
