import type { ByteReader, ByteWriter } from './byte-codec.ts';

/** A message id, and three bytes for the channel. */
const KEY_BYTES = 19;

/**
 * The newest message ids of a shard, with their sequence numbers. Two generations: when the younger is full the older is
 * forgotten. So at least `size` ids are known and at most twice as many, and which ones depends on nothing but the ids that
 * were added.
 */
export class IdWindow {
  readonly #size: number;
  #younger = new Map<string, number>();
  #older = new Map<string, number>();

  constructor(size: number) {
    this.#size = size;
  }

  /** The sequence number under which a channel's message is known. */
  get(channel: number, messageId: Uint8Array): number | undefined {
    const key = keyOf(channel, messageId);
    return this.#younger.get(key) ?? this.#older.get(key);
  }

  add(channel: number, messageId: Uint8Array, seq: number): void {
    this.#younger.set(keyOf(channel, messageId), seq);
    if (this.#younger.size < this.#size) return;
    this.#older = this.#younger;
    this.#younger = new Map();
  }

  writeTo(writer: ByteWriter): void {
    for (const generation of [this.#older, this.#younger]) {
      writer.varint(generation.size);
      let last = 0;
      for (const [key, seq] of generation) {
        writer.latin1(key);
        writer.varint(seq - last); // they were added in the order of their numbers
        last = seq;
      }
    }
  }

  static readFrom(reader: ByteReader, size: number): IdWindow {
    const window = new IdWindow(size);
    for (const generation of [window.#older, window.#younger]) {
      let last = 0;
      reader.list(() => {
        const key = reader.latin1(KEY_BYTES);
        generation.set(key, (last += reader.varint()));
      });
    }
    return window;
  }
}

/** A string of one byte per character is what V8 keeps smallest. */
function keyOf(channel: number, messageId: Uint8Array): string {
  const id = Buffer.from(messageId.buffer, messageId.byteOffset, messageId.byteLength).toString('latin1');
  return id + String.fromCharCode(channel & 0xff, (channel >> 8) & 0xff, (channel >> 16) & 0xff);
}
