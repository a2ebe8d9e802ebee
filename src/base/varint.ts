/** Bytes of a protobuf varint. `value` is a whole number from 0 to 2^53 - 1. */
export function varintLength(value: number): number {
  let length = 1;
  for (let rest = value; rest >= 0x80; rest = Math.floor(rest / 0x80)) length += 1;
  return length;
}

/**
 * Writes a protobuf varint; returns the offset behind it. `value` is a whole number from 0 to 2^53 - 1, so there are no bit
 * operations on what is above 2^31.
 */
export function writeVarint(target: Uint8Array, offset: number, value: number): number {
  let rest = value;
  let at = offset;
  while (rest >= 0x80) {
    target[at++] = rest % 0x80 | 0x80;
    rest = Math.floor(rest / 0x80);
  }
  target[at++] = rest;
  return at;
}
