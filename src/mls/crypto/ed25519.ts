import { sign as signOnce, verify as verifyOnce } from 'node:crypto';
import { own } from './bytes.ts';
import {
  CURVE_KEY_BYTES,
  importPrivateKey,
  importPublicKey,
  KeyCache,
  publicBytesOf,
  randomPrivateKey,
} from './curve-keys.ts';

/** What stands before the 32 bytes of a private key in PKCS #8, the form in which WebCrypto exports it. */
const PKCS8_PREFIX = Buffer.from('302e020100300506032b657004220420', 'hex');

const privateKeys = new KeyCache((bytes) => importPrivateKey('Ed25519', rawPrivateKey(bytes)));
const publicKeys = new KeyCache((bytes) => importPublicKey('Ed25519', bytes));

/** Ed25519 (RFC 8032). The key is 32 bytes, or those in PKCS #8 as the library's own provider makes them. */
export function sign(privateKey: Uint8Array, message: Uint8Array): Uint8Array {
  return own(signOnce(null, message, privateKeys.get(privateKey)));
}

/** Whether `signature` is one of `message` by the owner of the key. A key of another length signs nothing. */
export function verify(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  if (publicKey.length !== CURVE_KEY_BYTES) return false;
  return verifyOnce(null, message, publicKeys.get(publicKey), signature);
}

/** A fresh key pair, both halves as 32 bytes. */
export function generateSigningKey(): { readonly publicKey: Uint8Array; readonly signKey: Uint8Array } {
  const signKey = randomPrivateKey();
  return { publicKey: publicBytesOf(privateKeys.get(signKey)), signKey };
}

function rawPrivateKey(bytes: Uint8Array): Uint8Array {
  if (bytes.length === CURVE_KEY_BYTES) return bytes;
  const prefix = bytes.subarray(0, PKCS8_PREFIX.length);
  if (bytes.length === PKCS8_PREFIX.length + CURVE_KEY_BYTES && PKCS8_PREFIX.equals(prefix)) {
    return bytes.subarray(PKCS8_PREFIX.length);
  }
  throw new Error('The signature key is neither 32 bytes nor PKCS #8.');
}
