import { toHex } from '../../../base/bytes.ts';
import type { ChannelName } from '../../../base/channel-name.ts';
import type { AccountId } from '../../access/principal.ts';
import type { ByteReader, ByteWriter } from './byte-codec.ts';
import { recordOf } from './log-record.ts';

/** Where a Welcome is whose commit won, and who has it. */
export interface WelcomeFact {
  readonly channel: ChannelName;
  readonly commitSeq: number;
  /** Its place among the Welcomes of its commit, or the records that hold its pieces. */
  readonly place: number | readonly number[];
  readonly stampMs: number;
  /** Who took a Welcome for this key package first. */
  taker: AccountId | undefined;
  /** Whether the taker was handed this one: that admits it to the channel once. */
  isHanded: boolean;
}

/** The latest Welcome for each key package of a shard. */
export class WelcomeFold {
  readonly #facts = new Map<string, WelcomeFact>();

  get(keyPackageRef: Uint8Array): WelcomeFact | undefined {
    return this.#facts.get(toHex(keyPackageRef));
  }

  add(keyPackageRef: Uint8Array, fact: Omit<WelcomeFact, 'taker' | 'isHanded'>): void {
    const key = toHex(keyPackageRef);
    const taker = this.#facts.get(key)?.taker;
    this.#facts.delete(key); // so that the order is that of the commits
    this.#facts.set(key, { ...fact, taker, isHanded: false });
  }

  /** Forgets what was stored in records up to `upToRecord`. */
  trim(upToRecord: number): void {
    for (const [key, { commitSeq }] of this.#facts) {
      if (recordOf(commitSeq) > upToRecord) return;
      this.#facts.delete(key);
    }
  }

  writeTo(writer: ByteWriter): void {
    writer.varint(this.#facts.size);
    for (const [key, { channel, commitSeq, place, stampMs, taker, isHanded }] of this.#facts) {
      writer.bytes(Buffer.from(key, 'hex'));
      writer.text(channel);
      writer.varint(commitSeq);
      writer.varint(typeof place === 'number' ? place + 1 : 0);
      if (typeof place !== 'number') writer.rising(place);
      writer.varint(stampMs);
      writer.text(taker ?? '');
      writer.varint(isHanded ? 1 : 0);
    }
  }

  static readFrom(reader: ByteReader): WelcomeFold {
    const welcomes = new WelcomeFold();
    reader.list(() => {
      const key = toHex(reader.bytes());
      const channel = reader.text() as ChannelName;
      const commitSeq = reader.varint();
      const index = reader.varint();
      const place = index === 0 ? reader.rising() : index - 1;
      const stampMs = reader.varint();
      const taker = reader.text();
      const isHanded = reader.varint() === 1;
      const fact = { channel, commitSeq, place, stampMs, isHanded };
      welcomes.#facts.set(key, { ...fact, taker: taker === '' ? undefined : (taker as AccountId) });
    });
    return welcomes;
  }
}
