import { createCipheriv, createDecipheriv } from 'node:crypto';
import type { CipherGCMTypes } from 'node:crypto';
import { own } from './bytes.ts';

const TAG_BYTES = 16;
/** Bytes of a nonce. */
export const NONCE_BYTES = 12;

/** AES-GCM with keys of one length. */
export class AesGcm {
  /** Number in the registry of RFC 9180 §7.3. */
  readonly id: number;
  /** Bytes of a key. */
  readonly keyBytes: number;
  readonly #algorithm: CipherGCMTypes;

  constructor(keyBits: 128 | 256) {
    this.id = keyBits === 128 ? 0x0001 : 0x0002;
    this.keyBytes = keyBits / 8;
    this.#algorithm = keyBits === 128 ? 'aes-128-gcm' : 'aes-256-gcm';
  }

  /** The ciphertext with the tag behind it. */
  seal(key: Uint8Array, nonce: Uint8Array, aad: Uint8Array, plaintext: Uint8Array): Uint8Array {
    const cipher = createCipheriv(this.#algorithm, key, nonce, { authTagLength: TAG_BYTES });
    cipher.setAAD(aad);
    // Memory that is not cleared first: every byte of it is written.
    const sealed = own(Buffer.allocUnsafeSlow(plaintext.length + TAG_BYTES));
    sealed.set(cipher.update(plaintext));
    // A stream mode: nothing is left to come, but without this call there is no tag.
    cipher.final();
    sealed.set(cipher.getAuthTag(), plaintext.length);
    return sealed;
  }

  /**
   * The inverse of {@link seal}.
   *
   * @throws Error if key, nonce, additional data, ciphertext and tag do not belong together.
   */
  open(key: Uint8Array, nonce: Uint8Array, aad: Uint8Array, sealed: Uint8Array): Uint8Array {
    if (sealed.length < TAG_BYTES) throw new Error('The ciphertext is shorter than its tag.');
    const split = sealed.length - TAG_BYTES;
    const decipher = createDecipheriv(this.#algorithm, key, nonce, { authTagLength: TAG_BYTES });
    decipher.setAAD(aad);
    decipher.setAuthTag(sealed.subarray(split));
    const plaintext = decipher.update(sealed.subarray(0, split));
    // Throws if the tag is wrong. Until then the plaintext is only somebody's claim.
    decipher.final();
    return own(plaintext);
  }
}
