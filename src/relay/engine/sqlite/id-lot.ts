/** Words of a key: the number of a channel, and a message id of 16 bytes. */
export const KEY_WORDS = 5;
/** Bytes of a key in the index. */
export const KEY_BYTES = 20;

/** A channel and a message id as numbers: cheap to hash and compare, and in the order of their bytes. */
export type IdKey = Uint32Array;

/** Fills `key` with a channel's number and a message id. */
export function fillKey(key: IdKey, channel: number, messageId: Uint8Array): void {
  key[0] = channel;
  for (let word = 1; word < KEY_WORDS; word += 1) {
    const at = 4 * (word - 1);
    const high = ((messageId[at] as number) << 8) | (messageId[at + 1] as number);
    key[word] = high * 0x1_0000 + (((messageId[at + 2] as number) << 8) | (messageId[at + 3] as number));
  }
}

/** Writes the bytes of a key. */
export function writeKey(target: Buffer, offset: number, words: Uint32Array, from: number): void {
  for (let word = 0; word < KEY_WORDS; word += 1) target.writeUInt32BE(words[from + word] as number, offset + 4 * word);
}

/** A number for a key, the same for equal keys. Another seed gives another, independent number. */
export function hashKey(words: Uint32Array, from: number, seed: number): number {
  let hash = seed;
  for (let word = from; word < from + KEY_WORDS; word += 1) {
    hash = Math.imul(hash ^ (words[word] as number), 0x9e37_79b1);
    hash ^= hash >>> 15;
  }
  return hash >>> 0;
}

/**
 * Message ids with their sequence numbers, in memory: a few flat arrays, because a map of strings costs more time than
 * all the rest that is done for a message.
 */
export class IdLot {
  readonly #seed: number;
  #words: Uint32Array;
  #seqs: Float64Array;
  /** Open addressing: 0, or one more than the place of a key. Never more than half full. */
  #slots: Int32Array;
  #size = 0;

  /** @param seed unknown to those who choose ids, or they could choose ones that collide */
  constructor(capacity: number, seed: number) {
    this.#seed = seed;
    this.#words = new Uint32Array(capacity * KEY_WORDS);
    this.#seqs = new Float64Array(capacity);
    this.#slots = new Int32Array(2 ** Math.ceil(Math.log2(2 * capacity)));
  }

  get size(): number {
    return this.#size;
  }

  /** The keys, one behind the other, in the order in which they were added. */
  get words(): Uint32Array {
    return this.#words;
  }

  /** The sequence number of the key at a place. */
  seqAt(place: number): number {
    return this.#seqs[place] as number;
  }

  /** The sequence number that a key was given last. */
  find(key: IdKey): number | undefined {
    const place = this.#slots[this.#slotOf(key, 0)] as number;
    return place === 0 ? undefined : this.#seqs[place - 1];
  }

  add(key: IdKey, seq: number): void {
    if (this.#size === this.#seqs.length) this.#grow();
    this.#words.set(key, this.#size * KEY_WORDS);
    this.#seqs[this.#size] = seq;
    this.#size += 1;
    this.#slots[this.#slotOf(key, 0)] = this.#size;
  }

  /** Forgets what was added last, down to a size that the lot once had. */
  truncate(size: number): void {
    this.#size = size;
    this.#fillSlots();
  }

  /** Places of all keys whose id starts with each of the 256 bytes. */
  buckets(): number[][] {
    const buckets = Array.from({ length: 256 }, (): number[] => []);
    for (let place = 0; place < this.#size; place += 1) {
      buckets[(this.#words[place * KEY_WORDS + 1] as number) >>> 24]?.push(place);
    }
    return buckets;
  }

  /** Puts places in the order of their keys. */
  sort(places: number[]): void {
    const words = this.#words;
    places.sort((a, b) => {
      for (let word = 0; word < KEY_WORDS; word += 1) {
        const order = (words[a * KEY_WORDS + word] as number) - (words[b * KEY_WORDS + word] as number);
        if (order !== 0) return order;
      }
      return a - b; // of equal keys the later one counts, and so is filed later
    });
  }

  /** The slot that a key has, or would get. */
  #slotOf(words: Uint32Array, from: number): number {
    const mask = this.#slots.length - 1;
    for (let slot = hashKey(words, from, this.#seed) & mask; ; slot = (slot + 1) & mask) {
      const place = this.#slots[slot] as number;
      if (place === 0 || this.#isAt(place - 1, words, from)) return slot;
    }
  }

  #isAt(place: number, words: Uint32Array, from: number): boolean {
    for (let word = KEY_WORDS - 1; word >= 0; word -= 1) {
      if (this.#words[place * KEY_WORDS + word] !== words[from + word]) return false;
    }
    return true;
  }

  #grow(): void {
    const words = new Uint32Array(2 * this.#words.length);
    words.set(this.#words);
    const seqs = new Float64Array(2 * this.#seqs.length);
    seqs.set(this.#seqs);
    this.#words = words;
    this.#seqs = seqs;
    this.#slots = new Int32Array(2 * this.#slots.length);
    this.#fillSlots();
  }

  #fillSlots(): void {
    this.#slots.fill(0);
    for (let place = 0; place < this.#size; place += 1) {
      this.#slots[this.#slotOf(this.#words, place * KEY_WORDS)] = place + 1;
    }
  }
}
