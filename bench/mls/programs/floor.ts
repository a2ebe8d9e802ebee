import {
  createCipheriv,
  createDecipheriv,
  createPrivateKey,
  generateKeyPairSync,
  hash,
  sign,
  verify,
} from 'node:crypto';
import { createPublicKey, randomBytes } from 'node:crypto';
import type { KeyObject } from 'node:crypto';

/** What stands around 1 KiB when it is signed and encrypted. */
const FRAMING_BYTES = 160;
const SENDER_DATA_BYTES = 12;
const TAG_BYTES = 16;
const BLOCK_BYTES = 64;
const EXPANSIONS = 5;

/**
 * The least that node:crypto takes for one message of suite 1: a signature or its check, five HKDF-Expand (sender data
 * key and nonce; key, nonce and next secret of the ratchet), two AEAD (sender data and content). No MLS, no codec, no
 * state. It does not use the provider that it is compared with.
 */
export class Floor {
  readonly #privateKey: KeyObject;
  readonly #publicKey: KeyObject;
  readonly #content: Uint8Array;
  readonly #signature: Uint8Array;
  readonly #key: Uint8Array = randomBytes(16);
  readonly #nonce: Uint8Array = randomBytes(12);
  readonly #aad: Uint8Array = randomBytes(64);
  readonly #info: Uint8Array = randomBytes(40);
  readonly #sealedContent: Uint8Array;
  readonly #senderData: Uint8Array = randomBytes(SENDER_DATA_BYTES);
  readonly #sealedSenderData: Uint8Array;
  #secret: Uint8Array = randomBytes(32);

  constructor(payloadBytes: number) {
    // Exported and imported again: the key of a pair is never used as it was made, so that this key is like ours.
    const der = generateKeyPairSync('ed25519').privateKey.export({ format: 'der', type: 'pkcs8' });
    this.#privateKey = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
    this.#publicKey = createPublicKey(this.#privateKey);
    this.#content = randomBytes(payloadBytes + FRAMING_BYTES);
    this.#signature = sign(null, this.#content, this.#privateKey);
    this.#sealedContent = this.#seal(this.#content);
    this.#sealedSenderData = this.#seal(this.#senderData);
  }

  encrypt(): void {
    sign(null, this.#content, this.#privateKey);
    this.#expandAll();
    this.#seal(this.#content);
    this.#seal(this.#senderData);
  }

  decrypt(): void {
    this.#open(this.#sealedSenderData);
    this.#expandAll();
    this.#open(this.#sealedContent);
    if (!verify(null, this.#content, this.#publicKey, this.#signature)) throw new Error('the signature is not valid');
  }

  #expandAll(): void {
    for (let round = 0; round < EXPANSIONS; round += 1) this.#secret = this.#expand(this.#secret);
  }

  /** One block of HKDF-Expand: an HMAC, as two one-shot hashes, which is the fastest way that node:crypto has. */
  #expand(secret: Uint8Array): Uint8Array {
    const inner = new Uint8Array(BLOCK_BYTES + this.#info.length + 1).fill(0x36, 0, BLOCK_BYTES);
    const outer = new Uint8Array(BLOCK_BYTES + secret.length).fill(0x5c, 0, BLOCK_BYTES);
    for (let index = 0; index < secret.length; index += 1) {
      inner[index] = (secret[index] ?? 0) ^ 0x36;
      outer[index] = (secret[index] ?? 0) ^ 0x5c;
    }
    inner.set(this.#info, BLOCK_BYTES);
    inner[inner.length - 1] = 1;
    outer.set(hash('sha256', inner, 'buffer'), BLOCK_BYTES);
    return hash('sha256', outer, 'buffer');
  }

  #seal(plaintext: Uint8Array): Uint8Array {
    const cipher = createCipheriv('aes-128-gcm', this.#key, this.#nonce, { authTagLength: TAG_BYTES });
    cipher.setAAD(this.#aad);
    return Buffer.concat([cipher.update(plaintext), cipher.final(), cipher.getAuthTag()]);
  }

  #open(sealed: Uint8Array): Uint8Array {
    const decipher = createDecipheriv('aes-128-gcm', this.#key, this.#nonce, { authTagLength: TAG_BYTES });
    decipher.setAAD(this.#aad);
    decipher.setAuthTag(sealed.subarray(-TAG_BYTES));
    return Buffer.concat([decipher.update(sealed.subarray(0, -TAG_BYTES)), decipher.final()]);
  }
}
