import type { PaddingConfig } from 'ts-mls/paddingConfig.js';
import { checkInteger } from '../base/check.ts';
import { RuntimeError } from '../base/errors.ts';

/**
 * How much of a message's size an observer learns.
 *
 * - `'buckets'`: which of these buckets it is in, and nothing else: up to 256 bytes, 512, 1,024 and so on in powers of
 *   two to 128 KiB, then multiples of 256 KiB less one, so that what a relay takes by default is not padded beyond it.
 *   Each bucket has room for 32 bytes more, because an envelope of some bytes stands around a payload.
 * - a number: its size, if it is more than that many bytes with its signature. 0 to 65,536.
 * - `'none'`: its size.
 */
export type Padding = 'buckets' | 'none' | number;

const SMALLEST_BUCKET = 256;
const LARGEST_POWER = 128 * 1024;
const BEYOND = 256 * 1024;
/** Of a relay's limit of 256 KiB, what headers, signature and tags take at most. */
const RESERVED = 1024;
/** What may stand around a payload of a round size. */
const ENVELOPE_BYTES = 32;
/** What follows the plaintext inside of the ciphertext at most: two length prefixes, signature, confirmation tag. */
const FRAMING_BYTES = 112;

const MAX_FIXED_PADDING = 65_536;

/**
 * `padding`, if it is one of the three.
 *
 * @throws {@link RuntimeError} `invalid_argument`
 */
export function checkPadding(padding: Padding): Padding {
  if (padding === 'buckets' || padding === 'none') return padding;
  if (typeof padding === 'number') return checkInteger('padding', padding, 0, MAX_FIXED_PADDING);
  throw new RuntimeError(
    'invalid_argument',
    `Expected \`padding\` to be buckets, none or a number of bytes, got ${String(padding)}.`,
  );
}

/**
 * The library's padding for content whose variable part (the plaintext, the proposals and path of a commit) has `length`
 * bytes. It is zeros behind the content, inside of the ciphertext (RFC 9420 §6.3.1): whoever reads the RFC reads it.
 *
 * The library pads the content up to a length. That makes all messages of a bucket equal only if the length stays above
 * everything that the bucket can hold, framing included; a signature's and a length's size may vary.
 */
export function paddingConfig(padding: Padding, length: number): PaddingConfig & { readonly kind: 'padUntilLength' } {
  switch (padding) {
    case 'none':
      return { kind: 'padUntilLength', padUntilLength: 0 };
    case 'buckets':
      return { kind: 'padUntilLength', padUntilLength: bucketOf(length) + ENVELOPE_BYTES + FRAMING_BYTES };
    default:
      return { kind: 'padUntilLength', padUntilLength: padding };
  }
}

function bucketOf(length: number): number {
  const least = length - ENVELOPE_BYTES;
  if (least > LARGEST_POWER) return Math.ceil((least + RESERVED) / BEYOND) * BEYOND - RESERVED;
  let bucket = SMALLEST_BUCKET;
  while (bucket < least) bucket *= 2;
  return bucket;
}
