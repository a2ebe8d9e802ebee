const VARINT = 0;
const FIXED_64 = 1;
const LENGTH_DELIMITED = 2;
const FIXED_32 = 5;

/** By the number of its field, a message inside of a message; none of the others is looked into. */
interface Nesting {
  readonly [field: number]: Nesting;
}

/** Where a `ClientFrame` repeats messages: `publish`, its `submissions`, their `welcomes`. */
const CLIENT_FRAME: Nesting = { 5: { 4: { 5: {} } } };

/**
 * Whether a `ClientFrame` has more than `most` fields, counted without making an object of any. Two bytes make an empty
 * field, and each may become an object of a hundred bytes and an answer of sixty: a frame must be looked at before.
 *
 * Bytes that are no protobuf are counted as far as they can be read; the codec says what is wrong with them.
 */
export function hasMoreFields(bytes: Uint8Array, most: number): boolean {
  return countFields(bytes, 0, bytes.length, CLIENT_FRAME, most) > most;
}

/** Counts up to one more than `most`. */
function countFields(bytes: Uint8Array, from: number, to: number, nesting: Nesting, most: number): number {
  let count = 0;
  for (let at = from; at < to && count <= most; ) {
    const [tag, behindTag] = readVarint(bytes, at, to);
    count += 1;
    at = behindTag;
    switch (tag % 8) {
      case VARINT:
        [, at] = readVarint(bytes, at, to);
        break;
      case FIXED_64:
        at += 8;
        break;
      case FIXED_32:
        at += 4;
        break;
      case LENGTH_DELIMITED: {
        const [length, start] = readVarint(bytes, at, to);
        at = start + length;
        const inside = nesting[Math.floor(tag / 8)];
        if (inside !== undefined) count += countFields(bytes, start, Math.min(at, to), inside, most - count);
        break;
      }
      default: // the ends of a group: what is between them is counted as if it were outside
    }
  }
  return count;
}

/** A number and where it ends; at the end of broken bytes whatever they give. */
function readVarint(bytes: Uint8Array, from: number, to: number): readonly [value: number, end: number] {
  let value = 0;
  let at = from;
  for (let factor = 1; at < to; factor *= 0x80) {
    const byte = bytes[at++] as number;
    value += (byte & 0x7f) * factor;
    if (byte < 0x80) break;
  }
  return [value, at];
}
