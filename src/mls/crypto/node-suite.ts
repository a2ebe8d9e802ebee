import { randomFillSync, timingSafeEqual } from 'node:crypto';
import type { CiphersuiteImpl } from 'ts-mls/crypto/ciphersuite.js';
import type { PrivateKey, PublicKey } from 'ts-mls/crypto/hpke.js';
import { KEY_BYTES, NONCE_BYTES, open as openAead, seal as sealAead } from './aes-gcm.ts';
import { deriveKeyPair, generateKeyPair, toPrivateKey, toPublicKey } from './dhkem-x25519.ts';
import type { KemKey, KemKeyPair } from './dhkem-x25519.ts';
import { generateSigningKey, sign, verify } from './ed25519.ts';
import { expand, extract, HASH_BYTES, hmac, sha256 } from './hkdf-sha256.ts';
import { open, receiveExport, seal, sendExport } from './hpke.ts';

const EMPTY = new Uint8Array(0);

/**
 * Suite 1 on synchronous node:crypto. The library's interface is asynchronous, so answers come as promises that are
 * settled already: several times faster than WebCrypto, which starts a job for each of the many small computations,
 * at the price that the event loop does not turn within one step.
 *
 * Keys and groups may go back and forth between this and the library's own provider.
 */
export const nodeSuite: CiphersuiteImpl = {
  name: 'MLS_128_DHKEMX25519_AES128GCM_SHA256_Ed25519',
  hash: {
    digest: settled(sha256),
    mac: settled(hmac),
    verifyMac: settled((key: Uint8Array, mac: Uint8Array, data: Uint8Array) => {
      return mac.length === HASH_BYTES && timingSafeEqual(mac, hmac(key, data));
    }),
  },
  kdf: { size: HASH_BYTES, extract: settled(extract), expand: settled(expand) },
  signature: { sign: settled(sign), verify: settled(verify), keygen: settled(generateSigningKey) },
  rng: { randomBytes: (length) => randomFillSync(new Uint8Array(length)) },
  hpke: {
    keyLength: KEY_BYTES,
    nonceLength: NONCE_BYTES,
    seal: settled((publicKey: PublicKey, plaintext: Uint8Array, info: Uint8Array, aad: Uint8Array = EMPTY) => {
      return seal(fromLibrary(publicKey), plaintext, info, aad);
    }),
    open: settled(
      (privateKey: PrivateKey, enc: Uint8Array, ciphertext: Uint8Array, info: Uint8Array, aad: Uint8Array = EMPTY) => {
        return open(fromLibrary(privateKey), enc, ciphertext, info, aad);
      },
    ),
    exportSecret: settled((publicKey: PublicKey, context: Uint8Array, length: number, info: Uint8Array) => {
      return sendExport(fromLibrary(publicKey), context, length, info);
    }),
    importSecret: settled(
      (privateKey: PrivateKey, context: Uint8Array, enc: Uint8Array, length: number, info: Uint8Array) => {
        return receiveExport(fromLibrary(privateKey), context, enc, length, info);
      },
    ),
    importPrivateKey: settled((bytes: Uint8Array) => toLibrary(toPrivateKey(bytes)) as PrivateKey),
    importPublicKey: settled((bytes: Uint8Array) => toLibrary(toPublicKey(bytes)) as PublicKey),
    exportPrivateKey: settled((key: PrivateKey) => fromLibrary(key).bytes),
    exportPublicKey: settled((key: PublicKey) => fromLibrary(key).bytes),
    generateKeyPair: settled(() => toLibraryPair(generateKeyPair())),
    deriveKeyPair: settled((keyMaterial: Uint8Array) => toLibraryPair(deriveKeyPair(keyMaterial))),
    encryptAead: settled((key: Uint8Array, nonce: Uint8Array, aad: Uint8Array | undefined, plaintext: Uint8Array) => {
      return sealAead(key, nonce, aad ?? EMPTY, plaintext);
    }),
    decryptAead: settled((key: Uint8Array, nonce: Uint8Array, aad: Uint8Array | undefined, ciphertext: Uint8Array) => {
      return openAead(key, nonce, aad ?? EMPTY, ciphertext);
    }),
  },
};

/** `compute` with its result, or what it throws, in a promise. */
function settled<Input extends readonly unknown[], Output>(
  compute: (...input: Input) => Output,
): (...input: Input) => Promise<Output> {
  return (...input) => {
    try {
      return Promise.resolve(compute(...input));
    } catch (error) {
      return Promise.reject(error instanceof Error ? error : new Error(String(error)));
    }
  };
}

// The library calls HPKE keys CryptoKey and only hands them back to us; it never looks inside.
function toLibrary(key: KemKey): CryptoKey {
  return key as unknown as CryptoKey;
}

function fromLibrary(key: CryptoKey): KemKey {
  return key as unknown as KemKey;
}

function toLibraryPair({ privateKey, publicKey }: KemKeyPair): { privateKey: PrivateKey; publicKey: PublicKey } {
  return { privateKey: toLibrary(privateKey) as PrivateKey, publicKey: toLibrary(publicKey) as PublicKey };
}
