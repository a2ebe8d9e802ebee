import type { NoticeTopic } from '../../transport/index.ts';

/** Somebody who wants to know when a channel's log has grown, or when there is something new for its members. */
export interface ChannelWatcher {
  /** The channel's log now ends at `headSeq`. */
  appended(headSeq: number, group: Uint8Array): void;
  /** There is something new for the channel's members. Several of one topic may come as one. */
  noticed(topic: NoticeTopic): void;
}

/** What a round tells. */
interface News {
  hasGrown: boolean;
  readonly topics: Set<NoticeTopic>;
}

/**
 * Watchers that are told in one turn of the loop. Each makes a write to a connection, which takes ten to twenty
 * microseconds; ten thousand in one turn would keep everybody else waiting for a fifth of a second.
 */
export const MAX_TOLD_PER_TURN = 64;

/**
 * Those who watch one channel. A few are told at once; a crowd is told in several turns of the loop, and what is
 * appended meanwhile is told in one more round, so that a slow round never has others queue up behind it.
 */
export class ChannelWatchers {
  readonly #watchers = new Set<ChannelWatcher>();
  /** Where the round that is under way stands. */
  #round: Iterator<ChannelWatcher> | undefined;
  /** What the round that is under way tells. */
  #news: News = { hasGrown: false, topics: new Set() };
  /** What the next one will tell. */
  #next: News = { hasGrown: false, topics: new Set() };
  #headSeq = 0;
  #group: Uint8Array = new Uint8Array(0);

  /** How many there are. */
  get size(): number {
    return this.#watchers.size;
  }

  add(watcher: ChannelWatcher): void {
    this.#watchers.add(watcher);
  }

  /** From now on the watcher is told nothing, even if a round is under way. Whether it was one of these. */
  delete(watcher: ChannelWatcher): boolean {
    return this.#watchers.delete(watcher);
  }

  /** Tells all that the log now ends at `headSeq`. */
  tell(headSeq: number, group: Uint8Array): void {
    this.#headSeq = headSeq;
    this.#group = group;
    this.#next.hasGrown = true;
    if (this.#round === undefined) this.#begin();
  }

  /** Tells all that there is something new for the channel's members. */
  notify(topic: NoticeTopic): void {
    this.#next.topics.add(topic);
    if (this.#round === undefined) this.#begin();
  }

  #begin(): void {
    this.#news = this.#next;
    this.#next = { hasGrown: false, topics: new Set() };
    this.#round = this.#watchers.values();
    this.#goOn();
  }

  #goOn(): void {
    for (let told = 0; told < MAX_TOLD_PER_TURN; told += 1) {
      const next = this.#round?.next();
      if (next === undefined || next.done === true) return this.#finish();
      if (this.#news.hasGrown) next.value.appended(this.#headSeq, this.#group);
      for (const topic of this.#news.topics) next.value.noticed(topic);
    }
    setImmediate(() => this.#goOn());
  }

  #finish(): void {
    this.#round = undefined;
    if (!this.#next.hasGrown && this.#next.topics.size === 0) return;
    // Held now, so that whoever tells more meanwhile does not begin another one beside it.
    this.#round = this.#watchers.values();
    setImmediate(() => this.#begin());
  }
}
