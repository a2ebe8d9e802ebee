import type { ChannelName } from '../../../base/channel-name.ts';
import type { AccountId } from '../../access/principal.ts';
import type { Access } from '../log-engine.ts';
import type { ByteReader, ByteWriter } from './byte-codec.ts';

/** What a channel has become by the records that were read. Exists from its first stored entry on. */
export class ChannelFold {
  readonly name: ChannelName;
  /** Its place in the order in which the shard's channels came to be. */
  readonly number: number;
  readonly group: Uint8Array;
  epoch = 0;
  headSeq = 0;
  isClaimed = false;
  /** The last record on the channel's subject for commits, whatever was made of it. */
  lastCommitRecord = 0;
  /** The commit that ended epoch `e` at index `e`. */
  readonly commitSeqs: number[] = [];
  readonly members: Set<AccountId> = new Set();
  /** The last entry that retention has taken, 0 if none. */
  trimmedSeq = 0;
  /** The entries behind `trimmedSeq`, from index `#first` on. */
  #seqs: number[] = [];
  #first = 0;

  constructor(name: ChannelName, number: number, group: Uint8Array) {
    this.name = name;
    this.number = number;
    this.group = group;
  }

  accessOf(account: AccountId): Access {
    if (!this.isClaimed) return 'unclaimed';
    return this.members.has(account) ? 'member' : 'stranger';
  }

  add(seq: number): void {
    this.headSeq = seq;
    this.#seqs.push(seq);
  }

  /** Forgets the entries up to `upToSeq`; returns how many there were. */
  trim(upToSeq: number): number {
    const end = this.#indexBehind(upToSeq);
    const count = end - this.#first;
    if (count === 0) return 0;
    this.trimmedSeq = this.#seqs[end - 1] as number;
    this.#first = end;
    if (this.#first * 2 > this.#seqs.length) {
      this.#seqs = this.#seqs.slice(this.#first);
      this.#first = 0;
    }
    return count;
  }

  /** The sequence numbers of at most `limit` entries behind `afterSeq`, and the predecessor of the first of them. */
  after(afterSeq: number, limit: number): { readonly seqs: readonly number[]; readonly prevSeq: number } {
    const from = this.#indexBehind(afterSeq);
    const prevSeq = from === this.#first ? this.trimmedSeq : (this.#seqs[from - 1] as number);
    return { seqs: this.#seqs.slice(from, from + limit), prevSeq };
  }

  writeTo(writer: ByteWriter): void {
    writer.text(this.name);
    writer.bytes(this.group);
    for (const value of [this.epoch, this.headSeq, this.isClaimed ? 1 : 0, this.lastCommitRecord, this.trimmedSeq]) {
      writer.varint(value);
    }
    writer.rising(this.commitSeqs);
    writer.varint(this.members.size);
    for (const member of this.members) writer.text(member);
    writer.rising(this.#seqs.slice(this.#first));
  }

  static readFrom(reader: ByteReader, number: number): ChannelFold {
    const name = reader.text() as ChannelName;
    const channel = new ChannelFold(name, number, new Uint8Array(reader.bytes()));
    channel.epoch = reader.varint();
    channel.headSeq = reader.varint();
    channel.isClaimed = reader.varint() === 1;
    channel.lastCommitRecord = reader.varint();
    channel.trimmedSeq = reader.varint();
    for (const seq of reader.rising()) channel.commitSeqs.push(seq);
    for (const member of reader.list(() => reader.text())) channel.members.add(member as AccountId);
    channel.#seqs = reader.rising();
    return channel;
  }

  /** Index of the first entry behind `seq`. */
  #indexBehind(seq: number): number {
    let low = this.#first;
    let high = this.#seqs.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#seqs[middle] as number) <= seq) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
