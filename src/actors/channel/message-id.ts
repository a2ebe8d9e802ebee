import { createHmac, timingSafeEqual } from 'node:crypto';
import type { Random } from '../../base/random.ts';

const NONCE_BYTES = 8;
const ID_BYTES = 16;
/** Nonces that are drawn at once: one draw costs as much as a hundred nonces. */
const DRAWN_NONCES = 64;

/**
 * Message ids that only their author recognises: eight random bytes and eight bytes of their HMAC-SHA-256 under a key
 * that never leaves the channel's store.
 *
 * An MLS sender cannot decrypt what it sent itself, so it has to know its own entries when the log brings them back,
 * also after a crash that lost all memory of what had been sent. Nothing has to be stored per message for that, and
 * nobody else can link two ids of one sender.
 */
export class MessageIds {
  readonly #key: Uint8Array;
  readonly #random: Random;
  #drawn: Uint8Array = new Uint8Array();

  /** @param key 32 secret bytes */
  constructor(key: Uint8Array, random: Random) {
    this.#key = key;
    this.#random = random;
  }

  /** A new id, 16 bytes. */
  create(): Uint8Array {
    const id = new Uint8Array(ID_BYTES);
    id.set(this.#nonce());
    id.set(this.#tag(id.subarray(0, NONCE_BYTES)), NONCE_BYTES);
    return id;
  }

  /** Forgets what was drawn ahead. */
  redraw(): void {
    this.#drawn = new Uint8Array();
  }

  /** Whether `id` was made under this key. */
  isOwn(id: Uint8Array): boolean {
    return id.length === ID_BYTES && timingSafeEqual(this.#tag(id.subarray(0, NONCE_BYTES)), id.subarray(NONCE_BYTES));
  }

  #nonce(): Uint8Array {
    if (this.#drawn.length === 0) this.#drawn = this.#random.bytes(DRAWN_NONCES * NONCE_BYTES);
    const nonce = this.#drawn.subarray(0, NONCE_BYTES);
    this.#drawn = this.#drawn.subarray(NONCE_BYTES);
    return nonce;
  }

  #tag(nonce: Uint8Array): Uint8Array {
    return createHmac('sha256', this.#key)
      .update(nonce)
      .digest()
      .subarray(0, ID_BYTES - NONCE_BYTES);
  }
}
