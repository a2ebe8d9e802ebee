import type { Group } from '../group.ts';

/** How groups become bytes. The store moves the bytes and knows nothing of what is in them. */
export interface GroupCodec {
  /** The whole group. Secret. */
  encode(group: Group): Uint8Array;
  /** The inverse of {@link GroupCodec.encode}. Throws if `bytes` are not a group. */
  decode(bytes: Uint8Array): Group;
  /** What changed from `before` to `after`, or `undefined` where only the whole group can tell. */
  delta(before: Group, after: Group): Uint8Array | undefined;
  /** The group that {@link GroupCodec.delta} was made for. Throws if `delta` does not fit `group`. */
  apply(group: Group, delta: Uint8Array): Group;
}
