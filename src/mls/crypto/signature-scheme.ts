/** How the members of a group sign. Keys and signatures are bytes, in the forms of RFC 9420 §5.1.1. */
export interface SignatureScheme {
  /** @throws Error if the key is none. */
  sign(privateKey: Uint8Array, message: Uint8Array): Uint8Array;
  /**
   * Whether `signature` is one of `message` by the owner of the key. A key of the wrong length signs nothing.
   *
   * @throws Error if the key has the right length and is no point of the curve.
   */
  verify(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean;
  /** A fresh key pair. */
  generate(): { readonly publicKey: Uint8Array; readonly signKey: Uint8Array };
}
