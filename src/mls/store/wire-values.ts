import type { BinaryReader, BinaryWriter } from '@bufbuild/protobuf/wire';
import { copyBytes } from '../../base/bytes.ts';

/** A count, sequence number or position, which is written as `uint64` and must fit a number. */
export function readCount(reader: BinaryReader): number {
  const value = Number(reader.uint64());
  if (!Number.isSafeInteger(value)) throw new RangeError('number out of range');
  return value;
}

/** An epoch, written as `uint64`. */
export function readEpoch(reader: BinaryReader): bigint {
  return BigInt(reader.uint64());
}

/** Bytes of their own: what is kept for long must not hold on to the record that it came from. */
export function readBytes(reader: BinaryReader): Uint8Array {
  return copyBytes(reader.bytes());
}

/** A list, written as its length and then item after item. */
export function writeList<T>(writer: BinaryWriter, items: readonly T[], writeItem: (item: T) => void): void {
  writer.uint32(items.length);
  for (const item of items) writeItem(item);
}

/** The inverse of {@link writeList}. */
export function readList<T>(reader: BinaryReader, readItem: () => T): T[] {
  const length = reader.uint32();
  // An item takes a byte at least: no allocation on the word of a length that cannot be true.
  if (length > reader.len - reader.pos) throw new RangeError('list longer than the record');
  return Array.from({ length }, readItem);
}

/** A value that may be absent, written as whether it is there and then the value. */
export function writeOptional<T>(writer: BinaryWriter, value: T | undefined, writeValue: (value: T) => void): void {
  writer.bool(value !== undefined);
  if (value !== undefined) writeValue(value);
}

/** The inverse of {@link writeOptional}. */
export function readOptional<T>(reader: BinaryReader, readValue: () => T): T | undefined {
  return reader.bool() ? readValue() : undefined;
}

/** Fails unless everything was read: what is left over was written by rules that this reader does not know. */
export function expectEnd(reader: BinaryReader): void {
  if (reader.pos !== reader.len) throw new RangeError('bytes left over at the end of the record');
}
