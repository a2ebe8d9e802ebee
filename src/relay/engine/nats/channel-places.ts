import type { ChannelName } from '../../../base/channel-name.ts';
import type { Shard } from './shard.ts';

/**
 * How many channels there are, over all shards, and which new ones are about to come through this relay. A channel that comes
 * first takes its place first. What other relays are about to create is not known: they may go beyond the limit together.
 */
export class ChannelPlaces {
  readonly #shards: () => readonly Shard[];
  readonly #shardOf: (channel: ChannelName) => Shard;
  readonly #maxChannels: number;
  readonly #founding = new Set<ChannelName>();

  constructor(shards: () => readonly Shard[], shardOf: (channel: ChannelName) => Shard, maxChannels: number) {
    this.#shards = shards;
    this.#shardOf = shardOf;
    this.#maxChannels = maxChannels;
  }

  /** How many channels stand against one; it takes a place if it is new and there is one. */
  against(channel: ChannelName): number {
    if (this.#exists(channel) || this.#founding.has(channel)) return 0;
    let count = this.#shards().reduce((sum, { fold }) => sum + fold.channels.size, 0);
    for (const other of this.#founding) if (!this.#exists(other)) count += 1;
    if (count < this.#maxChannels) this.#founding.add(channel);
    return count;
  }

  /** Nothing is about to be stored in a channel any more. */
  release(channel: ChannelName): void {
    this.#founding.delete(channel);
  }

  #exists(channel: ChannelName): boolean {
    return this.#shardOf(channel).fold.channels.has(channel);
  }
}
