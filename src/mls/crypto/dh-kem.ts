import { ascii, concat, uint16 } from './bytes.ts';
import type { DhGroup } from './dh-group.ts';
import { Hkdf } from './hkdf.ts';
import { LabeledKdf } from './labeled-kdf.ts';

const EMPTY = new Uint8Array(0);

/** A key pair, both halves as bytes. */
export interface KemKeyPair {
  readonly privateKey: Uint8Array;
  readonly publicKey: Uint8Array;
}

/** A key encapsulation mechanism over a group, DHKEM(group, HKDF-SHA256) of RFC 9180 §4.1. */
export class DhKem {
  readonly group: DhGroup;
  readonly #hkdf: Hkdf = new Hkdf('sha256');
  readonly #kdf: LabeledKdf;

  constructor(group: DhGroup) {
    this.group = group;
    this.#kdf = new LabeledKdf(this.#hkdf, concat(ascii('KEM'), uint16(group.kemId)));
  }

  /** A fresh key pair. */
  generateKeyPair(): KemKeyPair {
    return this.#pairOf(this.group.randomPrivateKey());
  }

  /** The key pair that belongs to a secret (RFC 9180 §7.1.3). */
  deriveKeyPair(keyMaterial: Uint8Array): KemKeyPair {
    const key = this.#kdf.extract(EMPTY, 'dkp_prk', keyMaterial);
    return this.#pairOf(
      this.group.derivePrivateKey((label, info, length) => this.#kdf.expand(key, label, info, length)),
    );
  }

  /** A secret that only the owner of `recipient` can find from `enc`. */
  encapsulate(
    recipient: Uint8Array,
    ephemeral: KemKeyPair = this.generateKeyPair(),
  ): { readonly sharedSecret: Uint8Array; readonly enc: Uint8Array } {
    const agreed = this.group.agree(ephemeral.privateKey, recipient);
    return { sharedSecret: this.#share(agreed, ephemeral.publicKey, recipient), enc: ephemeral.publicKey };
  }

  /**
   * The secret that was encapsulated for the owner of a private key.
   *
   * @throws Error if `enc` is no public key, or one of those few with which everybody agrees on zero.
   */
  decapsulate(privateKey: Uint8Array, enc: Uint8Array): Uint8Array {
    const agreed = this.group.agree(privateKey, this.group.checkPublicKey(enc));
    return this.#share(agreed, enc, this.group.publicKeyOf(privateKey));
  }

  #pairOf(privateKey: Uint8Array): KemKeyPair {
    return { privateKey, publicKey: this.group.publicKeyOf(privateKey) };
  }

  #share(agreed: Uint8Array, enc: Uint8Array, recipient: Uint8Array): Uint8Array {
    const key = this.#kdf.extract(EMPTY, 'eae_prk', agreed);
    return this.#kdf.expand(key, 'shared_secret', concat(enc, recipient), this.#hkdf.size);
  }
}
