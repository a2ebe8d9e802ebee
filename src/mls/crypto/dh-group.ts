/** Expands the secret that a key pair is derived from, for one purpose (RFC 9180 §4). */
export type ExpandLabeled = (label: string, info: Uint8Array, length: number) => Uint8Array;

/** A group in which the owners of two key pairs agree on a secret. Keys are bytes, in the forms of RFC 9180 §7.1. */
export interface DhGroup {
  /** Number of the KEM over this group in the registry of RFC 9180 §7.1. */
  readonly kemId: number;
  /**
   * `bytes`, if they have the form of a private key.
   *
   * @throws Error if they have not.
   */
  checkPrivateKey(bytes: Uint8Array): Uint8Array;
  /**
   * `bytes`, if they have the form of a public key. Whether they are a point of the group, `agree` finds out.
   *
   * @throws Error if they have not.
   */
  checkPublicKey(bytes: Uint8Array): Uint8Array;
  /** A fresh private key. */
  randomPrivateKey(): Uint8Array;
  /** The private key that follows from a secret (RFC 9180 §7.1.3). */
  derivePrivateKey(expand: ExpandLabeled): Uint8Array;
  /** The public key that belongs to a private one. */
  publicKeyOf(privateKey: Uint8Array): Uint8Array;
  /**
   * What the owner of the one key and the owner of the other have in common.
   *
   * @throws Error if the public key is none, or one of those with which everybody agrees on the same.
   */
  agree(privateKey: Uint8Array, publicKey: Uint8Array): Uint8Array;
}
