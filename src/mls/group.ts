/** A member of a group, as the tree shows it in one epoch. */
export interface Member {
  /** Leaf index (RFC 9420 §7). Identifies a member within its time in the group. */
  readonly leaf: number;
  /** Identity bytes of the member's basic credential. */
  readonly identity: Uint8Array;
  readonly signatureKey: Uint8Array;
}

/** The state of one group in one epoch: an immutable value. Steps take one and return the next. */
export interface Group {
  readonly groupId: Uint8Array;
  readonly epoch: bigint;
  /** Own leaf index. */
  readonly ownLeaf: number;
  /** False after this member was removed. */
  readonly isActive: boolean;
}
