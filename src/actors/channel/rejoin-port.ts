import type { SkytaleError } from '../../base/errors.ts';
import type { ChannelRecord, Group, KeyPackageBundle } from '../../mls/index.ts';

/** What the owner of the agent's keys does for a channel that has to join anew. */
export interface RejoinPort {
  /** A new key package, kept until it is used. */
  createKeyPackage(): Promise<KeyPackageBundle>;
  /** A request for a fresh leaf with this key package, good in this epoch. */
  makeRequest(record: ChannelRecord, bundle: KeyPackageBundle, epoch: bigint): Promise<Uint8Array>;
  /** The group that a Welcome leads into; the key package is used up with it. */
  join(record: ChannelRecord, welcome: Uint8Array, bundle: KeyPackageBundle): Promise<Group>;
}

/** How an attempt to join anew has ended. */
export type RejoinOutcome =
  | { readonly kind: 'rejoined'; readonly group: Group; readonly commitSeq: number }
  | { readonly kind: 'rejoin-failed'; readonly error: SkytaleError };
