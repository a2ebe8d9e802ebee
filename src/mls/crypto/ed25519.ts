import { sign, verify } from 'node:crypto';
import { own } from './bytes.ts';
import { CURVE_KEY_BYTES, importPrivateKey, importPublicKey, publicBytesOf, randomPrivateKey } from './curve-keys.ts';
import { KeyCache } from './key-cache.ts';
import type { SignatureScheme } from './signature-scheme.ts';

/** What stands before the 32 bytes of a private key in PKCS #8, the form in which WebCrypto exports it. */
const PKCS8_PREFIX = Buffer.from('302e020100300506032b657004220420', 'hex');

const privateKeys = new KeyCache((bytes) => importPrivateKey('Ed25519', rawPrivateKey(bytes)));
const publicKeys = new KeyCache((bytes) => importPublicKey('Ed25519', bytes));

/** Ed25519 (RFC 8032). Private keys are 32 bytes, or those in PKCS #8 as the library's own provider makes them. */
export const ed25519: SignatureScheme & { publicKeyOf(privateKey: Uint8Array): Uint8Array } = {
  sign: (privateKey, message) => own(sign(null, message, privateKeys.get(privateKey))),
  verify: (publicKey, message, signature) =>
    publicKey.length === CURVE_KEY_BYTES && verify(null, message, publicKeys.get(publicKey), signature),
  generate() {
    const signKey = randomPrivateKey();
    return { publicKey: publicBytesOf(privateKeys.get(signKey)), signKey };
  },
  publicKeyOf: (privateKey) => publicBytesOf(privateKeys.get(privateKey)),
};

function rawPrivateKey(bytes: Uint8Array): Uint8Array {
  if (bytes.length === CURVE_KEY_BYTES) return bytes;
  const prefix = bytes.subarray(0, PKCS8_PREFIX.length);
  if (bytes.length === PKCS8_PREFIX.length + CURVE_KEY_BYTES && PKCS8_PREFIX.equals(prefix)) {
    return bytes.subarray(PKCS8_PREFIX.length);
  }
  throw new Error('The signature key is neither 32 bytes nor PKCS #8.');
}
