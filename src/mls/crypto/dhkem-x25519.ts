import { diffieHellman } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { ascii, concat, own, uint16 } from './bytes.ts';
import {
  CURVE_KEY_BYTES,
  importPrivateKey,
  importPublicKey,
  KeyCache,
  publicBytesOf,
  randomPrivateKey,
} from './curve-keys.ts';
import { HASH_BYTES } from './hkdf-sha256.ts';
import { LabeledKdf } from './labeled-kdf.ts';

/** DHKEM(X25519, HKDF-SHA256) in the registry of RFC 9180 §7.1. */
export const KEM_ID = 0x0020;

const kdf = new LabeledKdf(concat(ascii('KEM'), uint16(KEM_ID)));
const EMPTY = new Uint8Array(0);

const privateKeys = new KeyCache((bytes) => importPrivateKey('X25519', checked(bytes)));
const publicKeys = new KeyCache((bytes) => importPublicKey('X25519', checked(bytes)));

/** One half of a key pair: its bytes, and what node:crypto makes of them. */
export interface KemKey {
  readonly bytes: Uint8Array;
  readonly key: KeyObject;
}

/** A key pair of the KEM. */
export interface KemKeyPair {
  readonly privateKey: KemKey;
  readonly publicKey: KemKey;
}

/** A private key from its 32 bytes. */
export function toPrivateKey(bytes: Uint8Array): KemKey {
  return { bytes, key: privateKeys.get(bytes) };
}

/** A public key from its 32 bytes. */
export function toPublicKey(bytes: Uint8Array): KemKey {
  return { bytes, key: publicKeys.get(bytes) };
}

/** The key pair of a private key's 32 bytes. */
export function toKeyPair(bytes: Uint8Array): KemKeyPair {
  const privateKey = toPrivateKey(bytes);
  return { privateKey, publicKey: toPublicKey(publicBytesOf(privateKey.key)) };
}

/** A fresh key pair. */
export function generateKeyPair(): KemKeyPair {
  return toKeyPair(randomPrivateKey());
}

/** The key pair that belongs to a secret (RFC 9180 §7.1.3). */
export function deriveKeyPair(keyMaterial: Uint8Array): KemKeyPair {
  const key = kdf.extract(EMPTY, 'dkp_prk', keyMaterial);
  return toKeyPair(kdf.expand(key, 'sk', EMPTY, CURVE_KEY_BYTES));
}

/** A secret that only the owner of `recipient` can find from `enc` (RFC 9180 §4.1). */
export function encapsulate(
  recipient: KemKey,
  ephemeral: KemKeyPair = generateKeyPair(),
): { readonly sharedSecret: Uint8Array; readonly enc: Uint8Array } {
  const enc = ephemeral.publicKey.bytes;
  const agreed = agree(ephemeral.privateKey, recipient);
  return { sharedSecret: deriveShared(agreed, enc, recipient.bytes), enc };
}

/**
 * The secret that was encapsulated for `recipient`.
 *
 * @throws Error if `enc` is no public key, or one of those few with which everybody agrees on zero.
 */
export function decapsulate(recipient: KemKey, enc: Uint8Array): Uint8Array {
  const agreed = agree(recipient, { bytes: enc, key: importPublicKey('X25519', checked(enc)) });
  return deriveShared(agreed, enc, publicBytesOf(recipient.key));
}

function agree(privateKey: KemKey, publicKey: KemKey): Uint8Array {
  // OpenSSL refuses an all-zero result itself, as RFC 7748 §6.1 allows and RFC 9180 §7.1.4 demands.
  return own(diffieHellman({ privateKey: privateKey.key, publicKey: publicKey.key }));
}

function deriveShared(agreed: Uint8Array, enc: Uint8Array, recipient: Uint8Array): Uint8Array {
  const key = kdf.extract(EMPTY, 'eae_prk', agreed);
  return kdf.expand(key, 'shared_secret', concat(enc, recipient), HASH_BYTES);
}

function checked(bytes: Uint8Array): Uint8Array {
  if (bytes.length === CURVE_KEY_BYTES) return bytes;
  throw new Error(`An X25519 key has 32 bytes, not ${bytes.length}.`);
}
