import { equalBytes } from '../../base/bytes.ts';
import type { ChannelRecord } from './agent-store.ts';
import { applyDelta, encodeDelta } from './channel-delta.ts';
import { decodeChannel, encodeChannel } from './channel-encoding.ts';
import type { GroupCodec } from './group-codec.ts';
import { NO_LINK, openRecord, sealRecord } from './record-envelope.ts';
import type { OpenedRecord } from './record-envelope.ts';
import type { KeyId, Records } from './records.ts';
import { readingRecord, storeDamaged } from './store-errors.ts';

/** Delta `n` lies in slot `n mod 128`: all places of a channel are known without asking, also when its head is lost. */
const SLOTS = 128;
/** Bytes of deltas below which they are not folded for outweighing the head: a small head would fold at every save. */
const LIGHT_DELTAS = 4 * 1024 * 1024;

/** The most deltas that may follow a head. */
export const MAX_DELTAS: number = SLOTS;

export interface ChannelLogOptions {
  readonly records: Records;
  readonly codec: GroupCodec;
  /** The channel's id in the catalog. */
  readonly id: number;
  /** Deltas after which a new head is written. From 0 to {@link MAX_DELTAS}. */
  readonly foldAfterDeltas: number;
  /** Called when records with spent secrets were overwritten or deleted. */
  readonly onErased: () => Promise<void>;
}

/** Where the log stands, when that is known for certain. */
interface Position {
  readonly record: ChannelRecord;
  /** Number and checksum of the last record, the predecessor of the next. */
  readonly number: number;
  readonly checksum: Uint8Array;
  /** The key of the head and its deltas. */
  readonly key: KeyId;
}

/**
 * One channel as a log: a head record with all of it, then numbered deltas, each linked to its predecessor.
 *
 * Every write is one record under one key, so it is there as a whole or not at all. A delta is written only on a
 * predecessor that is known to be there: after an error the next write is a head. A head makes the deltas before it void,
 * by its number; they are deleted after it, and again at the next opening if a crash came between. Each head comes with a key
 * of its own for it and its deltas, and the key before it is erased: what of them is left in the store cannot be read.
 *
 * Damage, gaps and misplaced records are found at the next reading. What cannot be seen from inside is a log that ends too
 * early, because its last records or an old copy of all were put in its place: the relay's counters tell that.
 *
 * Not for concurrent use: one call at a time.
 */
export class ChannelLog {
  readonly #options: ChannelLogOptions;
  readonly #owner: string;
  readonly #headKey: string;
  #isRestored = false;
  /** Undefined: the next write is a head. */
  #position: Position | undefined;
  /** The highest number that was ever given to a write, also to one that failed. */
  #lastNumber = 0;
  /** Slots that may hold a delta. */
  readonly #usedSlots = new Set<number>();
  #deltas = 0;
  #deltaBytes = 0;
  #headBytes = 0;

  constructor(options: ChannelLogOptions) {
    this.#options = options;
    this.#owner = `channel.${options.id}`;
    this.#headKey = `${this.#owner}.head`;
  }

  /**
   * Reads the head and its deltas, and deletes deltas that a crash left behind.
   *
   * @returns `undefined` if there is neither a head nor a delta
   * @throws {@link RuntimeError} `store_damaged` naming the record that is damaged, missing or misplaced
   */
  async restore(): Promise<ChannelRecord | undefined> {
    this.#isRestored = false;
    this.#position = undefined;
    const { records, codec } = this.#options;
    const slots = Array.from({ length: SLOTS }, (_, slot) => slot);
    const [foundHead, ...foundDeltas] = await records.getMany([
      this.#headKey,
      ...slots.map((slot) => this.#slotKey(slot)),
    ]);
    const deltas = foundDeltas.flatMap((found, slot) => (found ? [this.#openDelta(slot, found.bytes)] : []));
    this.#usedSlots.clear();
    for (const { number } of deltas) this.#usedSlots.add(number % SLOTS);

    if (foundHead === undefined) {
      if (deltas.length > 0) throw storeDamaged(this.#headKey, 'is missing');
      this.#isRestored = true;
      return undefined;
    }
    const head = openRecord(this.#headKey, foundHead.bytes, 'head', this.#owner);
    const following = deltas.filter(({ number }) => number > head.number).sort((a, b) => a.number - b.number);

    let record = readingRecord(this.#headKey, () => decodeChannel(head.body, codec, head.format));
    let last = head;
    for (const delta of following) {
      const number = last.number + 1;
      const key = this.#slotKey(number % SLOTS);
      if (delta.number !== number) throw storeDamaged(key, `does not hold delta ${number}, which later ones build on`);
      if (!equalBytes(delta.link, last.checksum)) throw storeDamaged(key, 'does not continue its predecessor');
      const before = record;
      record = readingRecord(key, () => applyDelta(before, delta.body, codec));
      last = delta;
    }

    this.#lastNumber = last.number;
    this.#headBytes = foundHead.bytes.length;
    this.#deltas = following.length;
    this.#deltaBytes = following.reduce((sum, delta) => sum + delta.body.length, 0);
    const leftOver = deltas.filter(({ number }) => number <= head.number);
    await this.#discard(
      foundHead.key,
      leftOver.map(({ number }) => number % SLOTS),
    );
    this.#position = { record, number: last.number, checksum: last.checksum, key: foundHead.key };
    this.#isRestored = true;
    return record;
  }

  /** Whether there is no head: nothing was written yet, or not to the end. */
  async isEmpty(): Promise<boolean> {
    return (await this.#options.records.get(this.#headKey)) === undefined;
  }

  /** Writes `record` in one step. Resolves when it is durable and what it made void is deleted. */
  async write(record: ChannelRecord): Promise<void> {
    if (!this.#isRestored) await this.restore();
    const { records, codec, foldAfterDeltas } = this.#options;
    const position = this.#position;
    if (position?.record === record) return;
    // Whatever goes wrong from here on, also in the codec: the next write is a head.
    this.#position = undefined;
    const mayAppend = this.#deltas < foldAfterDeltas && !this.#deltasOutweighHead();
    const body = position !== undefined && mayAppend ? encodeDelta(position.record, record, codec) : undefined;
    if (position === undefined || body === undefined) {
      this.#position = await this.#writeHead(record);
      return;
    }

    const number = this.#nextNumber();
    const link = position.checksum;
    const { bytes, checksum } = sealRecord({ kind: 'delta', owner: this.#owner, number, link, body });
    this.#usedSlots.add(number % SLOTS);
    await records.set(this.#slotKey(number % SLOTS), bytes, position.key);
    this.#position = { record, number, checksum, key: position.key };
    this.#deltas += 1;
    this.#deltaBytes += bytes.length;
  }

  /** Whether deltas were found or written since the last head: with them, secrets that were used are in the store. */
  get hasDeltas(): boolean {
    return this.#deltas > 0;
  }

  /** Whether there are deltas, or may be, because the log was not read yet or a write failed. */
  get needsFold(): boolean {
    return !this.#isRestored || this.#position === undefined || this.#deltas > 0;
  }

  /** Replaces head and deltas by one new head, if there are deltas. */
  async fold(): Promise<void> {
    if (!this.needsFold) return;
    // From what is stored: the caller may have erased the secrets of the values that it handed in.
    const known = this.#position?.record;
    const record = await this.restore();
    if (record === undefined || this.#deltas === 0) return;
    this.#position = undefined;
    const position = await this.#writeHead(record);
    // The same in other objects, and deltas are told by identity: those of the caller let the next save be a delta.
    this.#position = { ...position, record: known ?? record };
  }

  /** Deletes all records, damaged ones too. */
  async erase(): Promise<void> {
    this.#isRestored = false;
    this.#position = undefined;
    const slots = Array.from({ length: SLOTS }, (_, slot) => this.#slotKey(slot));
    await this.#options.records.keys.erase(this.#owner);
    await this.#options.records.deleteMany([this.#headKey, ...slots]);
    await this.#options.onErased();
  }

  async #writeHead(record: ChannelRecord): Promise<Position> {
    const { records, codec } = this.#options;
    // Before anything is awaited: the secrets in `record` are erased once a later save is durable.
    const body = encodeChannel(record, codec);
    const number = this.#nextNumber();
    const { bytes, checksum } = sealRecord({ kind: 'head', owner: this.#owner, number, link: NO_LINK, body });
    const key = await records.keys.prepare(this.#owner);
    await records.set(this.#headKey, bytes, key);
    await this.#discard(key, [...this.#usedSlots], true);
    this.#headBytes = bytes.length;
    this.#deltas = 0;
    this.#deltaBytes = 0;
    return { record, number, checksum, key };
  }

  /** Makes what a head under `key` has replaced unreadable, and deletes it. */
  async #discard(key: KeyId, slots: readonly number[], isHeadNew = slots.length > 0): Promise<void> {
    const { records, onErased } = this.#options;
    await records.keys.advance(this.#owner, key);
    await records.deleteMany(slots.map((slot) => this.#slotKey(slot)));
    for (const slot of slots) this.#usedSlots.delete(slot);
    if (isHeadNew) await onErased();
  }

  #openDelta(slot: number, bytes: Uint8Array): OpenedRecord {
    const key = this.#slotKey(slot);
    const delta = openRecord(key, bytes, 'delta', this.#owner);
    if (delta.number % SLOTS !== slot) throw storeDamaged(key, 'holds a record that belongs elsewhere');
    return delta;
  }

  #nextNumber(): number {
    this.#lastNumber += 1;
    return this.#lastNumber;
  }

  #deltasOutweighHead(): boolean {
    return this.#deltaBytes > Math.max(this.#headBytes, LIGHT_DELTAS);
  }

  #slotKey(slot: number): string {
    return `${this.#owner}.delta.${slot}`;
  }
}
