import type { ChannelName } from '../../base/channel-name.ts';
import type { AccountId } from '../access/index.ts';
import type { LogEngine } from '../engine/log-engine.ts';

/** Channels that one connection remembers. Forgetting one costs a question. */
const MAX_REMEMBERED = 1024;

/** Tells whether a channel has been claimed, and remembers it: a channel that was claimed stays claimed. */
export class ClaimedChannels {
  readonly #engine: LogEngine;
  readonly #claimed = new Set<ChannelName>();
  readonly #asked = new Map<ChannelName, Promise<boolean>>();

  constructor(engine: LogEngine) {
    this.#engine = engine;
  }

  /** Whether it is known to be claimed, without asking. */
  has(channel: ChannelName): boolean {
    return this.#claimed.has(channel);
  }

  /**
   * Asks the engine. Those who ask for one channel before the answer is there share it, and go on in the order in which
   * they asked. Rejects as the engine does.
   */
  ask(channel: ChannelName, account: AccountId): Promise<boolean> {
    const underWay = this.#asked.get(channel);
    if (underWay !== undefined) return underWay;
    const answer = this.#ask(channel, account).finally(() => this.#asked.delete(channel));
    this.#asked.set(channel, answer);
    return answer;
  }

  async #ask(channel: ChannelName, account: AccountId): Promise<boolean> {
    if ((await this.#engine.access(channel, account)) === 'unclaimed') return false;
    if (this.#claimed.size >= MAX_REMEMBERED) this.#claimed.clear();
    this.#claimed.add(channel);
    return true;
  }
}
