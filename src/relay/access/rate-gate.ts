import { refused } from '../engine/log-rules.ts';
import type { Refused } from '../engine/log-rules.ts';
import type { Submission } from '../../transport/index.ts';
import type { RateBucket } from './rate-bucket.ts';

/** A submission that may go on, or why it may not. */
export type Judged = Submission | Refused;

/** When something was submitted, and whether it would overtake what was refused before. */
export interface Arrival {
  readonly isBehind: boolean;
  readonly nowMs: number;
}

/**
 * What one connection may submit now, by its own rate and by its account's. What passes is taken from both, what does not
 * from neither.
 */
export class RateGate {
  readonly #connection: RateBucket;
  readonly #account: RateBucket;

  constructor(connection: RateBucket, account: RateBucket) {
    this.#connection = connection;
    this.#account = account;
  }

  /**
   * The items, with a `rate-limited` in the place of each submission that comes too soon. Refusals stay as they are.
   * Behind a refused message they are all refused. Commits have their own order, by epochs.
   */
  judge(items: readonly Judged[], { isBehind, nowMs }: Arrival): readonly Judged[] {
    this.#connection.refill(nowMs);
    this.#account.refill(nowMs);
    if (!isBehind && this.#holds(items.length)) {
      this.#take(items.reduce((sound, { kind }) => (kind === 'refused' ? sound : sound + 1), 0));
      return items;
    }
    let late = 0;
    return items.map((item) => {
      if (item.kind === 'refused') return item;
      if (item.kind === 'commit' ? this.#holdsCommit : !isBehind && this.#holds(1)) {
        this.#take(1);
        return item;
      }
      late += 1; // whoever comes behind others has to wait for them too
      return this.#refuse(late);
    });
  }

  get #holdsCommit(): boolean {
    return this.#connection.holdsCommit && this.#account.holdsCommit;
  }

  #holds(count: number): boolean {
    return this.#connection.holds(count) && this.#account.holds(count);
  }

  #take(count: number): void {
    this.#connection.take(count);
    this.#account.take(count);
  }

  #refuse(place: number): Refused {
    const ownMs = this.#connection.msUntil(place);
    const accountMs = this.#account.msUntil(place);
    const whose = ownMs >= accountMs ? 'this connection' : 'the account';
    const retryAfterMs = Math.max(1, ownMs, accountMs);
    return { ...refused('rate-limited', `too many messages at once on ${whose}`, 0), retryAfterMs };
  }
}
