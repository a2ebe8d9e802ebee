import { diffieHellman } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { own } from './bytes.ts';
import { CURVE_KEY_BYTES, importPrivateKey, importPublicKey, publicBytesOf, randomPrivateKey } from './curve-keys.ts';
import type { DhGroup } from './dh-group.ts';
import { KeyCache } from './key-cache.ts';

interface ImportedPrivateKey {
  readonly key: KeyObject;
  readonly publicKey: Uint8Array;
}

const NO_BYTES = new Uint8Array(0);

const privateKeys = new KeyCache((bytes): ImportedPrivateKey => {
  const key = importPrivateKey('X25519', checked(bytes));
  return { key, publicKey: publicBytesOf(key) };
});
const publicKeys = new KeyCache((bytes) => importPublicKey('X25519', checked(bytes)));

/** X25519 (RFC 7748). */
export const x25519: DhGroup = {
  kemId: 0x0020,
  checkPrivateKey: checked,
  checkPublicKey: checked,
  randomPrivateKey,
  derivePrivateKey: (expand) => expand('sk', NO_BYTES, CURVE_KEY_BYTES),
  publicKeyOf: (privateKey) => privateKeys.get(privateKey).publicKey,
  // OpenSSL refuses an all-zero result itself, as RFC 7748 §6.1 allows and RFC 9180 §7.1.4 demands.
  agree: (privateKey, publicKey) =>
    own(diffieHellman({ privateKey: privateKeys.get(privateKey).key, publicKey: publicKeys.get(publicKey) })),
};

function checked(bytes: Uint8Array): Uint8Array {
  if (bytes.length === CURVE_KEY_BYTES) return bytes;
  throw new Error(`An X25519 key has 32 bytes, not ${bytes.length}.`);
}
