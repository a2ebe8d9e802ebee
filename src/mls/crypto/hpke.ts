import type { AesGcm } from './aes-gcm.ts';
import { NONCE_BYTES } from './aes-gcm.ts';
import { ascii, concat, uint16 } from './bytes.ts';
import type { DhKem, KemKeyPair } from './dh-kem.ts';
import { Hkdf } from './hkdf.ts';
import { LabeledKdf } from './labeled-kdf.ts';

/** HKDF-SHA256 in the registry of RFC 9180 §7.2. */
const KDF_ID = 0x0001;
const BASE_MODE = Uint8Array.of(0);
const EMPTY = new Uint8Array(0);
/** From here on it is worth remembering the hash of an information. */
const LONG_INFO_BYTES = 1024;

/** What both sides derive from the shared secret. */
interface KeySchedule {
  readonly secret: Uint8Array;
  readonly context: Uint8Array;
}

/** HPKE (RFC 9180) in base mode with HKDF-SHA256, one message a context. Keys are bytes. */
export class Hpke {
  readonly #kem: DhKem;
  readonly #aead: AesGcm;
  readonly #hkdf: Hkdf = new Hkdf('sha256');
  readonly #kdf: LabeledKdf;
  /** There is no pre-shared key in base mode, so its part of the context is always the same. */
  readonly #pskIdHash: Uint8Array;
  /** A Welcome has one information for all joiners, as large as the tree. It must not be written to meanwhile. */
  readonly #infoHashes: WeakMap<Uint8Array, Uint8Array> = new WeakMap<Uint8Array, Uint8Array>();

  constructor(kem: DhKem, aead: AesGcm) {
    this.#kem = kem;
    this.#aead = aead;
    const suiteId = concat(ascii('HPKE'), uint16(kem.group.kemId), uint16(KDF_ID), uint16(aead.id));
    this.#kdf = new LabeledKdf(this.#hkdf, suiteId);
    this.#pskIdHash = this.#kdf.extract(EMPTY, 'psk_id_hash', EMPTY);
  }

  /** Encrypts one message to the owner of a public key. `ephemeral` is for test vectors only. */
  seal(
    recipient: Uint8Array,
    plaintext: Uint8Array,
    info: Uint8Array,
    aad: Uint8Array,
    ephemeral?: KemKeyPair,
  ): { readonly enc: Uint8Array; readonly ct: Uint8Array } {
    const { sharedSecret, enc } = this.#kem.encapsulate(recipient, ephemeral);
    const { key, nonce } = this.#messageKeys(this.#schedule(sharedSecret, info));
    return { enc, ct: this.#aead.seal(key, nonce, aad, plaintext) };
  }

  /**
   * The inverse of {@link seal}.
   *
   * @throws Error if it was not sealed to this key with this information.
   */
  open(privateKey: Uint8Array, enc: Uint8Array, ciphertext: Uint8Array, info: Uint8Array, aad: Uint8Array): Uint8Array {
    const { key, nonce } = this.#messageKeys(this.#schedule(this.#kem.decapsulate(privateKey, enc), info));
    return this.#aead.open(key, nonce, aad, ciphertext);
  }

  /** A fresh secret for the owner of a public key, and what lets him find it. */
  sendExport(
    recipient: Uint8Array,
    exporterContext: Uint8Array,
    length: number,
    info: Uint8Array,
  ): { readonly enc: Uint8Array; readonly secret: Uint8Array } {
    const { sharedSecret, enc } = this.#kem.encapsulate(recipient);
    return { enc, secret: this.#exportFrom(this.#schedule(sharedSecret, info), exporterContext, length) };
  }

  /** The secret of {@link sendExport}, at the other side. */
  receiveExport(
    privateKey: Uint8Array,
    exporterContext: Uint8Array,
    enc: Uint8Array,
    length: number,
    info: Uint8Array,
  ): Uint8Array {
    return this.#exportFrom(this.#schedule(this.#kem.decapsulate(privateKey, enc), info), exporterContext, length);
  }

  #schedule(sharedSecret: Uint8Array, info: Uint8Array): KeySchedule {
    return {
      secret: this.#kdf.extract(sharedSecret, 'secret', EMPTY),
      context: concat(BASE_MODE, this.#pskIdHash, this.#infoHash(info)),
    };
  }

  #infoHash(info: Uint8Array): Uint8Array {
    let known = this.#infoHashes.get(info);
    if (known === undefined) {
      known = this.#kdf.extract(EMPTY, 'info_hash', info);
      if (info.length >= LONG_INFO_BYTES) this.#infoHashes.set(info, known);
    }
    return known;
  }

  #messageKeys({ secret, context }: KeySchedule): { readonly key: Uint8Array; readonly nonce: Uint8Array } {
    return {
      key: this.#kdf.expand(secret, 'key', context, this.#aead.keyBytes),
      // The sequence number is always 0, so the base nonce is the nonce.
      nonce: this.#kdf.expand(secret, 'base_nonce', context, NONCE_BYTES),
    };
  }

  #exportFrom({ secret, context }: KeySchedule, exporterContext: Uint8Array, length: number): Uint8Array {
    const exporter = this.#kdf.expand(secret, 'exp', context, this.#hkdf.size);
    return this.#kdf.expand(exporter, 'sec', exporterContext, length);
  }
}
