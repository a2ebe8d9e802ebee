/** An agent's long-lived signature key (Ed25519 for suite 1) and the identity that it stands for. */
export interface AgentKeys {
  /** Identity bytes of the basic credential (RFC 9420 §5.3). */
  readonly identity: Uint8Array;
  readonly signaturePublicKey: Uint8Array;
  readonly signaturePrivateKey: Uint8Array;
}
