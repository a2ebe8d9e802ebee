import type { ChannelName } from '../../../base/channel-name.ts';
import type { LogStatements } from './log-statements.ts';

/** A channel's row, or what it will be once something is stored. */
export interface Channel {
  readonly name: ChannelName;
  /** 0 until there is a row. */
  id: number;
  /** `undefined` until there is a row. */
  group: Uint8Array | undefined;
  headSeq: number;
  epoch: number;
  isClaimed: boolean;
  accessChanges: number;
  /** Entries up to this one are gone. */
  trimmedSeq: number;
}

/** What `selectChannel` selects. */
export type ChannelRow = [
  id: number,
  group: Uint8Array,
  headSeq: number,
  epoch: number,
  isClaimed: number,
  accessChanges: number,
  trimmedSeq: number,
];

/** Channels whose row is remembered; beyond that all are forgotten and read again. */
const MAX_CACHED_CHANNELS = 50_000;

/** The rows of channels, those in use in memory. */
export class ChannelTable {
  readonly #sql: LogStatements;
  readonly #cache = new Map<ChannelName, Channel>();
  /** Where the numbers of new channels start: above those of channels that were lost. */
  readonly #firstFreeSeq: number;
  #count: number | undefined;

  constructor(sql: LogStatements) {
    this.#sql = sql;
    const [, firstFreeSeq] = sql.selectLosses.first([]) as [number, number | null];
    this.#firstFreeSeq = firstFreeSeq ?? 1;
  }

  get count(): number {
    this.#count ??= Number(this.#sql.countChannels.first([])?.[0] ?? 0);
    return this.#count;
  }

  get(name: ChannelName): Channel {
    const cached = this.#cache.get(name);
    if (cached !== undefined) return cached;
    const row = this.#sql.selectChannel.first([name]);
    if (row === undefined) {
      const headSeq = this.#firstFreeSeq - 1;
      return {
        name,
        id: 0,
        group: undefined,
        headSeq,
        epoch: 0,
        isClaimed: false,
        accessChanges: 0,
        trimmedSeq: headSeq,
      };
    }
    const [id, group, headSeq, epoch, isClaimed, accessChanges, trimmedSeq] = row as ChannelRow;
    const channel = {
      name,
      id,
      group: new Uint8Array(group),
      headSeq,
      epoch,
      isClaimed: isClaimed === 1,
      accessChanges,
      trimmedSeq,
    };
    if (this.#cache.size >= MAX_CACHED_CHANNELS) this.#cache.clear();
    this.#cache.set(name, channel);
    return channel;
  }

  /** Gives a channel its row, in a transaction. */
  create(channel: Channel, group: Uint8Array): void {
    const { name, headSeq } = channel;
    const count = this.count;
    this.#sql.insertChannel.run([name, group, headSeq, headSeq]);
    channel.id = (this.#sql.selectChannel.first([name]) as readonly [number])[0];
    channel.group = new Uint8Array(group);
    this.#count = count + 1;
  }

  /** Writes what has changed about a channel, in a transaction. */
  save({ id, headSeq, epoch, isClaimed, accessChanges }: Channel): void {
    this.#sql.updateChannel.run([headSeq, epoch, isClaimed ? 1 : 0, accessChanges, id]);
  }

  /** Notes that a channel's entries up to `seq` are gone, in a transaction. */
  setTrimmed(id: number, seq: number): void {
    this.#sql.updateTrimmed.run([seq, id]);
    const cached = this.#cache.get(this.#sql.selectName.first([id])?.[0] as ChannelName);
    if (cached !== undefined) cached.trimmedSeq = seq;
  }

  /** Forgets what is remembered: a transaction was rolled back. */
  forget(): void {
    this.#cache.clear();
    this.#count = undefined;
  }
}
