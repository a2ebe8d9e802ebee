import { varintLength, writeVarint } from '../../base/varint.ts';
import type { EntryKind } from '../../transport/index.ts';

/** What {@link EntryWriter} encodes. */
export interface EntryFields {
  readonly seq: number;
  readonly prevSeq: number;
  readonly kind: EntryKind;
  readonly epoch: number;
  /** 16 bytes. */
  readonly messageId: Uint8Array;
  readonly payload: Uint8Array;
  readonly storedAtMs: number;
}

/** Field 2 of `Deliver`, length-delimited. Field 2 of `ServerFrame` has the same tag. */
const TAG_ENTRIES = 0x12;
const KIND_CODE: Readonly<Record<EntryKind, number>> = { message: 1, commit: 2 };

/** An entry is never larger than its payload and this: seven tags, five varints, a 16-byte id, the length in front. */
export const ENTRY_OVERHEAD_BYTES = 80;

/**
 * Writes `skytale.relay.v1.Entry` by hand, because every entry passes here and the generated encoder costs five times as
 * much. A test reads and re-creates the same bytes with the generated codec.
 */
export class EntryWriter {
  readonly buffer: Buffer;
  /** Where the next entry starts. */
  offset = 0;

  /** @param room for all that will be written: a buffer, or the size of a fresh one */
  constructor(room: number | ArrayBuffer) {
    // Not from the shared pool: the buffer is transferred between threads as a whole.
    this.buffer = Buffer.from(typeof room === 'number' ? new ArrayBuffer(room) : room);
  }

  /** Appends an `entries` field and returns the view of the `Entry` in it. */
  entry(fields: EntryFields): Buffer {
    const start = this.append(fields);
    return this.buffer.subarray(start, this.offset);
  }

  /** As {@link EntryWriter.entry} without the view, which costs as much as the rest; returns where the `Entry` starts. */
  append(fields: EntryFields): number {
    const start = this.#openField(entryLength(fields));
    this.#varintField(0x08, fields.seq);
    this.#varintField(0x10, fields.prevSeq);
    this.#varintField(0x18, KIND_CODE[fields.kind]);
    this.#varintField(0x20, fields.epoch);
    this.#bytesField(0x2a, fields.messageId);
    this.#bytesField(0x32, fields.payload);
    this.#varintField(0x38, fields.storedAtMs);
    return start;
  }

  /** Appends an `entries` field around an `Entry` that is encoded already. */
  encoded(entry: Uint8Array): void {
    this.#openField(entry.length);
    this.buffer.set(entry, this.offset);
    this.offset += entry.length;
  }

  #openField(length: number): number {
    this.buffer[this.offset] = TAG_ENTRIES;
    this.offset = writeVarint(this.buffer, this.offset + 1, length);
    return this.offset;
  }

  #varintField(tag: number, value: number): void {
    if (value === 0) return; // proto3 leaves out what has its default value
    this.buffer[this.offset] = tag;
    this.offset = writeVarint(this.buffer, this.offset + 1, value);
  }

  #bytesField(tag: number, bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    this.buffer[this.offset] = tag;
    this.offset = writeVarint(this.buffer, this.offset + 1, bytes.length);
    this.buffer.set(bytes, this.offset);
    this.offset += bytes.length;
  }
}

/**
 * The bytes of a `ServerFrame` with a `Deliver`.
 *
 * @param entries a run's bytes: `entries` fields of `Deliver`.
 * @param headroom bytes in front of them that may be written over: if the frame's head fits there, nothing is copied
 */
export function encodeDeliverFrame(subscription: number, entries: Uint8Array, headroom = 0): Buffer {
  const head = subscription === 0 ? 0 : 1 + varintLength(subscription);
  const length = head + entries.length;
  const size = 1 + varintLength(length) + length;
  const isInPlace = size - entries.length <= headroom;
  const frame = isInPlace
    ? Buffer.from(entries.buffer, entries.byteOffset + entries.length - size, size)
    : // Not from the shared pool: a frame is kept for long, and would keep its whole slab.
      Buffer.allocUnsafeSlow(size);
  frame[0] = TAG_ENTRIES;
  let offset = writeVarint(frame, 1, length);
  if (head > 0) {
    frame[offset] = 0x08;
    offset = writeVarint(frame, offset + 1, subscription);
  }
  if (!isInPlace) frame.set(entries, offset);
  return frame;
}

function entryLength(fields: EntryFields): number {
  return (
    varintFieldLength(fields.seq) +
    varintFieldLength(fields.prevSeq) +
    varintFieldLength(KIND_CODE[fields.kind]) +
    varintFieldLength(fields.epoch) +
    bytesFieldLength(fields.messageId.length) +
    bytesFieldLength(fields.payload.length) +
    varintFieldLength(fields.storedAtMs)
  );
}

function varintFieldLength(value: number): number {
  return value === 0 ? 0 : 1 + varintLength(value);
}

function bytesFieldLength(length: number): number {
  return length === 0 ? 0 : 1 + varintLength(length) + length;
}
