import { createHash } from 'node:crypto';
import type { ChannelName } from '../base/channel-name.ts';
import { RuntimeError } from '../base/errors.ts';
import { checkBytes } from '../base/check.ts';

/** Random bytes at the end of a group id. */
const RANDOM_BYTES = 16;
/** Bytes of the hash by which a relay knows a group. */
const TAG_BYTES = 16;

/**
 * The id of a new group for a channel: the channel's name in UTF-8, a zero byte, and 16 random bytes. The name is
 * what a joiner compares the Welcome with; the random part keeps two groups of one name apart.
 *
 * @throws {@link RuntimeError} `invalid_argument` if `random` has another length.
 */
export function newGroupId(channel: ChannelName, random: Uint8Array): Uint8Array {
  checkBytes('random', random);
  if (random.length !== RANDOM_BYTES) {
    throw new RuntimeError('invalid_argument', `Expected \`random\` to have 16 bytes, got ${random.length}.`);
  }
  const prefix = prefixOf(channel);
  const groupId = new Uint8Array(prefix.length + RANDOM_BYTES);
  groupId.set(prefix);
  groupId.set(random, prefix.length);
  return groupId;
}

/** Whether a group id was made by {@link newGroupId} for this channel. */
export function groupIdBelongsTo(groupId: Uint8Array, channel: ChannelName): boolean {
  const prefix = prefixOf(channel);
  return groupId.length === prefix.length + RANDOM_BYTES && prefix.every((byte, index) => byte === groupId[index]);
}

/** What names the group at the relay: the first 16 bytes of the SHA-256 of the group id. */
export function groupTag(groupId: Uint8Array): Uint8Array {
  checkBytes('groupId', groupId);
  return new Uint8Array(createHash('sha256').update(groupId).digest().subarray(0, TAG_BYTES));
}

function prefixOf(channel: ChannelName): Uint8Array {
  return new TextEncoder().encode(`${channel}\0`);
}
