/** A key package with the private keys that belong to it. */
export interface KeyPackageBundle {
  /** RFC 9420 §5.2. */
  readonly ref: Uint8Array;
  /** The public part, an MLSMessage: what is handed to a member. */
  readonly keyPackage: Uint8Array;
  /** The private part. Secret. */
  readonly secret: Uint8Array;
}
