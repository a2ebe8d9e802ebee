import { createECDH, randomFillSync } from 'node:crypto';
import type { ECDH } from 'node:crypto';
import { own } from './bytes.ts';
import type { DhGroup } from './dh-group.ts';
import { KeyCache } from './key-cache.ts';

/** Bytes of a private key, and of a coordinate. */
export const SCALAR_BYTES = 32;
/** Bytes of a point: the byte 4 and both coordinates. */
export const POINT_BYTES: number = 1 + 2 * SCALAR_BYTES;

/** The number of points; private keys are smaller (SP 800-186 §3.2.1.3). */
const ORDER = Buffer.from('ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551', 'hex');
/** Attempts of RFC 9180 §7.1.3. Already the second one is needed only once in 2^32 times. */
const MAX_ATTEMPTS = 256;

interface ImportedPrivateKey {
  readonly exchange: ECDH;
  readonly publicKey: Uint8Array;
}

/*
 * An ECDH object and not a KeyObject: it takes points as they travel, and agrees in half the time that importing a
 * KeyObject and using it once would take.
 */
const privateKeys = new KeyCache((bytes): ImportedPrivateKey => {
  const exchange = createECDH('prime256v1');
  exchange.setPrivateKey(checkPrivateKey(bytes));
  return { exchange, publicKey: own(exchange.getPublicKey()) };
});

/** P-256 (SP 800-186 §3.2.1.3), points not compressed. */
export const p256: DhGroup = {
  kemId: 0x0010,
  checkPrivateKey,
  checkPublicKey(bytes) {
    if (bytes.length === POINT_BYTES && bytes[0] === 4) return bytes;
    throw new Error(`A P-256 key has 65 bytes, the first of them 4; this one has ${bytes.length}.`);
  },
  randomPrivateKey() {
    const bytes = new Uint8Array(SCALAR_BYTES);
    do randomFillSync(bytes);
    while (!isScalar(bytes));
    return bytes;
  },
  derivePrivateKey(expand) {
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
      const candidate = expand('candidate', Uint8Array.of(attempt), SCALAR_BYTES);
      if (isScalar(candidate)) return candidate;
    }
    throw new Error('No P-256 key follows from this secret.');
  },
  publicKeyOf: (privateKey) => privateKeys.get(privateKey).publicKey,
  // OpenSSL refuses what is no point of the curve. The result is the first coordinate, as RFC 9180 §4.1 has it.
  agree: (privateKey, publicKey) =>
    own(privateKeys.get(privateKey).exchange.computeSecret(p256.checkPublicKey(publicKey))),
};

function checkPrivateKey(bytes: Uint8Array): Uint8Array {
  if (isScalar(bytes)) return bytes;
  throw new Error('A P-256 private key is a number of 32 bytes below the order of the curve.');
}

function isScalar(bytes: Uint8Array): boolean {
  return bytes.length === SCALAR_BYTES && ORDER.compare(bytes) > 0 && bytes.some((byte) => byte !== 0);
}
