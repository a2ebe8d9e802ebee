import { createHash } from 'node:crypto';
import { RuntimeError } from '../base/errors.ts';
import type { Group, Member } from './group.ts';
import { groupMembers } from './members.ts';

/** Changes when the construction does, so that numbers of two versions never agree by accident. */
const DOMAIN = new TextEncoder().encode('skytale safety number 1');
/** Makes each try of somebody who searches for keys with the same number dear, and a call cost about ten milliseconds. */
const ROUNDS = 5200;
const GROUPS_OF_DIGITS = 12;
const BYTES_PER_GROUP = 5;

/**
 * Sixty digits that people compare over another channel, in groups of five: equal digits mean that both see the same
 * identities with the same signature keys, and that nobody sits in between. For two members the number is the same in
 * every channel that they share; for a group it covers all members, and changes when the membership does.
 *
 * Construction: for each member `SHA-512(uint32 length of identity || identity || signature key)`, sorted as bytes and
 * joined; `seed = SHA-512(domain || joined)` and `h = seed`; then 5,200 times `h = SHA-512(h || seed)`; of the first 60
 * bytes of `h` every five, as a big-endian number modulo 100,000, make five digits. Sixty digits are 199 bits: to find keys
 * whose numbers collide takes some 2^100 tries of 5,200 hashes each.
 *
 * @throws {@link RuntimeError} `invalid_argument` for fewer than two members.
 */
export function safetyNumber(of: Group | readonly Member[]): string {
  const members = isList(of) ? of : groupMembers(of);
  if (members.length < 2) {
    throw new RuntimeError('invalid_argument', `Expected at least two members to compare, got ${members.length}.`);
  }
  const fingerprints = members.map(fingerprint).sort((a, b) => Buffer.compare(a, b));
  const seed = sha512(DOMAIN, ...fingerprints);
  let hash = seed;
  for (let round = 0; round < ROUNDS; round++) hash = sha512(hash, seed);
  return Array.from({ length: GROUPS_OF_DIGITS }, (_, index) => {
    const number = hash.readUIntBE(index * BYTES_PER_GROUP, BYTES_PER_GROUP) % 100_000;
    return String(number).padStart(5, '0');
  }).join(' ');
}

function isList(of: Group | readonly Member[]): of is readonly Member[] {
  return Array.isArray(of);
}

function fingerprint({ identity, signatureKey }: Member): Buffer {
  // The length keeps an identity that ends like a key from standing for another one.
  const length = Buffer.alloc(4);
  length.writeUInt32BE(identity.length);
  return sha512(length, identity, signatureKey);
}

function sha512(...parts: readonly Uint8Array[]): Buffer {
  const hash = createHash('sha512');
  for (const part of parts) hash.update(part);
  return hash.digest();
}
