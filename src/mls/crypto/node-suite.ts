import { timingSafeEqual } from 'node:crypto';
import type { CiphersuiteImpl } from 'ts-mls/crypto/ciphersuite.js';
import type { Hpke as LibraryHpke, PrivateKey, PublicKey } from 'ts-mls/crypto/hpke.js';
import type { CipherSuiteName } from '../cipher-suite.ts';
import { AesGcm, NONCE_BYTES } from './aes-gcm.ts';
import { DhKem } from './dh-kem.ts';
import type { KemKeyPair } from './dh-kem.ts';
import { ecdsaP256 } from './ecdsa-p256.ts';
import { ed25519 } from './ed25519.ts';
import { Hkdf } from './hkdf.ts';
import { Hpke } from './hpke.ts';
import { p256 } from './p256.ts';
import { randomBytes } from './random-bytes.ts';
import { settled } from './settled.ts';
import type { SignatureScheme } from './signature-scheme.ts';
import { x25519 } from './x25519.ts';

const EMPTY = new Uint8Array(0);

/** Suites of which everything is computed here. */
export type NodeSuiteName = Exclude<CipherSuiteName, `${string}XWING${string}`>;

/**
 * Cipher suites on synchronous node:crypto. The library's interface is asynchronous, so answers come as promises that
 * are settled already: several times faster than WebCrypto, which starts a job for each of the many small computations,
 * at the price that the event loop does not turn within one step.
 *
 * Keys and groups may go back and forth between this and the library's own provider.
 */
export const nodeSuites: Readonly<Record<NodeSuiteName, CiphersuiteImpl>> = {
  MLS_128_DHKEMX25519_AES128GCM_SHA256_Ed25519: {
    name: 'MLS_128_DHKEMX25519_AES128GCM_SHA256_Ed25519',
    ...symmetricPart(new Hkdf('sha256'), ed25519),
    hpke: hpkePart(new DhKem(x25519), new AesGcm(128)),
  },
  MLS_128_DHKEMP256_AES128GCM_SHA256_P256: {
    name: 'MLS_128_DHKEMP256_AES128GCM_SHA256_P256',
    ...symmetricPart(new Hkdf('sha256'), ecdsaP256),
    hpke: hpkePart(new DhKem(p256), new AesGcm(128)),
  },
};

/**
 * The library's implementation of an X-Wing suite with all that a message needs replaced by node:crypto. What is left
 * to the library is the KEM, which only commits and joins use.
 */
export function acceleratedXWing(library: CiphersuiteImpl): CiphersuiteImpl {
  return {
    name: library.name,
    ...symmetricPart(new Hkdf('sha512'), ed25519),
    hpke: { ...library.hpke, ...aeadPart(new AesGcm(256)) },
  };
}

/** What is not public-key encryption. */
function symmetricPart(hkdf: Hkdf, scheme: SignatureScheme): Omit<CiphersuiteImpl, 'name' | 'hpke'> {
  return {
    hash: {
      digest: settled((data: Uint8Array) => hkdf.digest(data)),
      mac: settled((key: Uint8Array, data: Uint8Array) => hkdf.mac(key, data)),
      verifyMac: settled((key: Uint8Array, mac: Uint8Array, data: Uint8Array) => {
        return mac.length === hkdf.size && timingSafeEqual(mac, hkdf.mac(key, data));
      }),
    },
    kdf: {
      size: hkdf.size,
      extract: settled((salt: Uint8Array, keyMaterial: Uint8Array) => hkdf.extract(salt, keyMaterial)),
      expand: settled((key: Uint8Array, info: Uint8Array, length: number) => hkdf.expand(key, info, length)),
    },
    signature: {
      sign: settled((privateKey: Uint8Array, message: Uint8Array) => scheme.sign(privateKey, message)),
      verify: settled((publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array) => {
        return scheme.verify(publicKey, message, signature);
      }),
      keygen: settled(() => scheme.generate()),
    },
    rng: { randomBytes },
  };
}

type AeadPart = Pick<LibraryHpke, 'encryptAead' | 'decryptAead' | 'keyLength' | 'nonceLength'>;

function aeadPart(aead: AesGcm): AeadPart {
  return {
    keyLength: aead.keyBytes,
    nonceLength: NONCE_BYTES,
    encryptAead: settled((key: Uint8Array, nonce: Uint8Array, aad: Uint8Array | undefined, plaintext: Uint8Array) => {
      return aead.seal(key, nonce, aad ?? EMPTY, plaintext);
    }),
    decryptAead: settled((key: Uint8Array, nonce: Uint8Array, aad: Uint8Array | undefined, ciphertext: Uint8Array) => {
      return aead.open(key, nonce, aad ?? EMPTY, ciphertext);
    }),
  };
}

function hpkePart(kem: DhKem, aead: AesGcm): LibraryHpke {
  const hpke = new Hpke(kem, aead);
  return {
    ...aeadPart(aead),
    seal: settled((publicKey: PublicKey, plaintext: Uint8Array, info: Uint8Array, aad: Uint8Array = EMPTY) => {
      return hpke.seal(bytesOf(publicKey), plaintext, info, aad);
    }),
    open: settled(
      (privateKey: PrivateKey, enc: Uint8Array, ciphertext: Uint8Array, info: Uint8Array, aad: Uint8Array = EMPTY) => {
        return hpke.open(bytesOf(privateKey), enc, ciphertext, info, aad);
      },
    ),
    exportSecret: settled((publicKey: PublicKey, context: Uint8Array, length: number, info: Uint8Array) => {
      return hpke.sendExport(bytesOf(publicKey), context, length, info);
    }),
    importSecret: settled(
      (privateKey: PrivateKey, context: Uint8Array, enc: Uint8Array, length: number, info: Uint8Array) => {
        return hpke.receiveExport(bytesOf(privateKey), context, enc, length, info);
      },
    ),
    importPrivateKey: settled((bytes: Uint8Array) => toLibrary(kem.group.checkPrivateKey(bytes)) as PrivateKey),
    importPublicKey: settled((bytes: Uint8Array) => toLibrary(kem.group.checkPublicKey(bytes)) as PublicKey),
    exportPrivateKey: settled((key: PrivateKey) => bytesOf(key)),
    exportPublicKey: settled((key: PublicKey) => bytesOf(key)),
    generateKeyPair: settled(() => toLibraryPair(kem.generateKeyPair())),
    deriveKeyPair: settled((keyMaterial: Uint8Array) => toLibraryPair(kem.deriveKeyPair(keyMaterial))),
  };
}

// The library calls HPKE keys CryptoKey and only hands them back to us; it never looks inside. Ours are bytes.
function toLibrary(key: Uint8Array): CryptoKey {
  return key as unknown as CryptoKey;
}

function bytesOf(key: CryptoKey): Uint8Array {
  return key as unknown as Uint8Array;
}

function toLibraryPair({ privateKey, publicKey }: KemKeyPair): { privateKey: PrivateKey; publicKey: PublicKey } {
  return { privateKey: toLibrary(privateKey) as PrivateKey, publicKey: toLibrary(publicKey) as PublicKey };
}
