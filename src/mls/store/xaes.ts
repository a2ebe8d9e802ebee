import { createCipheriv, createDecipheriv, createSecretKey, randomBytes } from 'node:crypto';
import type { KeyObject } from 'node:crypto';

const NONCE_LENGTH = 24;
const TAG_LENGTH = 16;
const BLOCK_LENGTH = 16;

/**
 * XAES-256-GCM (C2SP): AES-256-GCM with a nonce of 192 bits, of which half goes into a key of its own for each message.
 *
 * With plain AES-256-GCM and random nonces, a key is good for 2^32 messages: a busy agent writes as many in weeks.
 */
export class Xaes {
  readonly #key: KeyObject;
  /** K1 of CMAC (NIST SP 800-38B), which the derivation of message keys uses. */
  readonly #subkey: Uint8Array;

  /** @param key 32 bytes, which are copied */
  constructor(key: Uint8Array) {
    this.#key = createSecretKey(key);
    this.#subkey = double(this.#encryptBlocks(new Uint8Array(BLOCK_LENGTH)));
  }

  /** A random nonce, the ciphertext and its tag. `authenticated` is not part of it, and must be the same when opening. */
  seal(plaintext: Uint8Array, authenticated: Uint8Array): Uint8Array {
    return this.sealWithNonce(randomBytes(NONCE_LENGTH), plaintext, authenticated);
  }

  /** @internal As {@link Xaes.seal}, with a nonce that must never be used again. */
  sealWithNonce(nonce: Uint8Array, plaintext: Uint8Array, authenticated: Uint8Array): Uint8Array {
    const cipher = createCipheriv('aes-256-gcm', this.#messageKey(nonce), nonce.subarray(12));
    cipher.setAAD(authenticated);
    const ciphertext = cipher.update(plaintext);
    // GCM is a stream: what is left at the end is empty.
    cipher.final();
    return concat(nonce, ciphertext, cipher.getAuthTag());
  }

  /** The plaintext, or `undefined` if this is not what {@link Xaes.seal} made with this key and these bytes beside it. */
  open(sealed: Uint8Array, authenticated: Uint8Array): Uint8Array | undefined {
    if (sealed.length < NONCE_LENGTH + TAG_LENGTH) return undefined;
    const nonce = sealed.subarray(0, NONCE_LENGTH);
    const end = sealed.length - TAG_LENGTH;
    const options = { authTagLength: TAG_LENGTH };
    const decipher = createDecipheriv('aes-256-gcm', this.#messageKey(nonce), nonce.subarray(12), options);
    decipher.setAAD(authenticated);
    decipher.setAuthTag(sealed.subarray(end));
    const plaintext = decipher.update(sealed.subarray(NONCE_LENGTH, end));
    try {
      decipher.final();
    } catch {
      // The one reason that node:crypto has to throw here.
      return undefined;
    }
    return new Uint8Array(plaintext);
  }

  #messageKey(nonce: Uint8Array): Uint8Array {
    const blocks = new Uint8Array(2 * BLOCK_LENGTH);
    for (const counter of [1, 2]) {
      const block = blocks.subarray((counter - 1) * BLOCK_LENGTH, counter * BLOCK_LENGTH);
      block.set([0, counter, 0x58, 0]);
      block.set(nonce.subarray(0, 12), 4);
      for (const [index, byte] of this.#subkey.entries()) block[index] = (block[index] ?? 0) ^ byte;
    }
    return this.#encryptBlocks(blocks);
  }

  #encryptBlocks(blocks: Uint8Array): Uint8Array {
    const cipher = createCipheriv('aes-256-ecb', this.#key, null).setAutoPadding(false);
    return cipher.update(blocks);
  }
}

/** The block times x in the field of CMAC. */
function double(block: Uint8Array): Uint8Array {
  const doubled = block.map((byte, index) => (byte << 1) | ((block[index + 1] ?? 0) >> 7));
  if ((block[0] ?? 0) & 0x80) doubled[BLOCK_LENGTH - 1] = (doubled[BLOCK_LENGTH - 1] ?? 0) ^ 0x87;
  return doubled;
}

function concat(...parts: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}
