import { encodeClientFrame, submissionToWire } from '../../src/transport/index.ts';

/** Load that costs its makers next to nothing, so that the relay is what is measured. */

export const GROUP: Uint8Array = new Uint8Array(16).fill(7);
const ID_BYTES = 16;

/** A `Publish` frame that is copied and stamped for each batch instead of being encoded anew. */
export class PublishTemplate {
  readonly #bytes: Buffer;
  readonly #idOffsets: readonly number[];
  #stamp = 0;

  constructor(channel: string, batch: number, payloadBytes: number) {
    // Ids that occur nowhere else, to be found in the encoded frame.
    const markers = Array.from({ length: batch }, (_, index) => {
      const marker = Buffer.alloc(ID_BYTES, 0xa5);
      marker.writeUInt32BE(index, 4);
      return marker;
    });
    const payload = new Uint8Array(payloadBytes).fill(0x5a);
    const submissions = markers.map((messageId) =>
      submissionToWire({ kind: 'message', epoch: 0n, messageId, payload }),
    );
    this.#bytes = encodeClientFrame({ case: 'publish', value: { request: 1, channel, group: GROUP, submissions } });
    this.#idOffsets = markers.map((marker) => this.#bytes.indexOf(marker));
  }

  /** A frame with ids that were never used. The random half of an id is what a store's index meets in real life. */
  next(): Buffer {
    const frame = Buffer.from(this.#bytes);
    for (const offset of this.#idOffsets) {
      this.#stamp += 1;
      frame.writeUInt32LE(Math.imul(this.#stamp, 0x9e3779b1) >>> 0, offset);
      frame.writeUInt32LE(this.#stamp, offset + 4);
      frame.writeUInt32LE(process.pid, offset + 8);
    }
    return frame;
  }
}

/** A frame as bare grpc-js sends it: how many messages came before, how many it holds, and their bytes. */
export class BareTemplate {
  readonly #bytes: Buffer;
  readonly #batch: number;
  #sent = 0;

  constructor(batch: number, bytes: number) {
    this.#bytes = Buffer.alloc(bytes, 0x5a);
    this.#batch = batch;
  }

  next(): Buffer {
    const frame = Buffer.from(this.#bytes);
    frame.writeUInt32BE(this.#sent, 0);
    frame.writeUInt32BE(this.#batch, 4);
    this.#sent += this.#batch;
    return frame;
  }
}

const TAG_DELIVER = 0x12;
const TAG_ENTRIES = 0x12;
const TAG_SEQ = 0x08;
const TAG_PREV_SEQ = 0x10;
const TAG_CAUGHT_UP = 0x1a;
const TAG_PUBLISHED = 0x32;
const TAG_ANSWERS = 0x12;
const TAG_ACCEPTED = 0x0a;

/** The entries of a frame. */
export interface Delivered {
  /** Sequence number of the last one. */
  readonly last: number;
  readonly count: number;
}

/** Reads the few fields that a reader needs to know that it missed nothing, and skips the rest. */
export class FrameScanner {
  #bytes: Buffer = Buffer.alloc(0);
  #at = 0;

  /** What a `Deliver` frame brings that goes on behind `lastSeq`; nothing for any other frame. */
  delivered(frame: Buffer, lastSeq: number): Delivered {
    let last = lastSeq;
    let count = 0;
    if (frame[0] !== TAG_DELIVER) return { last, count };
    this.#open(frame);
    while (this.#at < frame.length) {
      const tag = frame[this.#at++];
      const value = this.#varint();
      if (tag !== TAG_ENTRIES) continue; // the subscription, a number
      const end = this.#at + value;
      const seq = this.#field(TAG_SEQ);
      const prevSeq = this.#field(TAG_PREV_SEQ);
      if (prevSeq !== last) throw new Error(`entry ${seq} follows ${prevSeq}, and ${last} was the last that came`);
      last = seq;
      count += 1;
      this.#at = end;
    }
    return { last, count };
  }

  /** Whether a frame says that all of a channel's log has been delivered. */
  isCaughtUp(frame: Buffer): boolean {
    return frame[0] === TAG_CAUGHT_UP;
  }

  /** How many submissions a `Published` frame accepts; 0 for any other frame. */
  accepted(frame: Buffer): number {
    if (frame[0] !== TAG_PUBLISHED) return 0;
    this.#open(frame);
    let count = 0;
    while (this.#at < frame.length) {
      const tag = frame[this.#at++];
      const value = this.#varint();
      if (tag !== TAG_ANSWERS) {
        if ((tag ?? 0) % 8 === 2) this.#at += value;
        continue;
      }
      if (frame[this.#at] !== TAG_ACCEPTED) throw new Error('the relay refused a message');
      this.#at += value;
      count += 1;
    }
    return count;
  }

  #open(frame: Buffer): void {
    this.#bytes = frame;
    this.#at = 1;
    this.#varint();
  }

  #field(tag: number): number {
    if (this.#bytes[this.#at] !== tag) return 0;
    this.#at += 1;
    return this.#varint();
  }

  #varint(): number {
    let value = 0;
    let factor = 1;
    for (;;) {
      const byte = this.#bytes[this.#at++] ?? 0;
      value += (byte & 0x7f) * factor;
      if (byte < 0x80) return value;
      factor *= 0x80;
    }
  }
}
