import { hash } from 'node:crypto';
import { own } from './bytes.ts';

const BLOCK_BYTES = 64;
/** Bytes of a hash, a MAC and a pseudorandom key. */
export const HASH_BYTES = 32;

/** SHA-256. */
export function sha256(data: Uint8Array): Uint8Array {
  return own(hash('sha256', data, 'buffer'));
}

/**
 * HMAC-SHA-256 (RFC 2104), as two one-shot hashes: a `createHmac` object costs half as much again, and everything in
 * the key schedule comes down to this.
 */
export function hmac(key: Uint8Array, data: Uint8Array): Uint8Array {
  const short = key.length > BLOCK_BYTES ? sha256(key) : key;
  const inner = new Uint8Array(BLOCK_BYTES + data.length);
  const outer = new Uint8Array(BLOCK_BYTES + HASH_BYTES);
  inner.fill(0x36, 0, BLOCK_BYTES);
  outer.fill(0x5c, 0, BLOCK_BYTES);
  // An index, not an iterator: this loop runs a dozen times a message.
  for (let index = 0; index < short.length; index++) {
    const byte = short[index] ?? 0;
    inner[index] = byte ^ 0x36;
    outer[index] = byte ^ 0x5c;
  }
  inner.set(data, BLOCK_BYTES);
  outer.set(hash('sha256', inner, 'buffer'), BLOCK_BYTES);
  return own(hash('sha256', outer, 'buffer'));
}

/** HKDF-Extract (RFC 5869 §2.2). */
export function extract(salt: Uint8Array, keyMaterial: Uint8Array): Uint8Array {
  return hmac(salt, keyMaterial);
}

/**
 * HKDF-Expand (RFC 5869 §2.3).
 *
 * @throws RangeError for more than 255 blocks.
 */
export function expand(key: Uint8Array, info: Uint8Array, length: number): Uint8Array {
  if (length > 255 * HASH_BYTES) throw new RangeError(`HKDF cannot expand to ${length} bytes.`);
  const output = new Uint8Array(length);
  let block = new Uint8Array(0);
  for (let offset = 0, counter = 1; offset < length; offset += HASH_BYTES, counter++) {
    const input = new Uint8Array(block.length + info.length + 1);
    input.set(block);
    input.set(info, block.length);
    input[input.length - 1] = counter;
    block = new Uint8Array(hmac(key, input));
    output.set(block.subarray(0, length - offset), offset);
  }
  return output;
}
