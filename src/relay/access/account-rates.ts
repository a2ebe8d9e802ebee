import type { AccountId } from './principal.ts';
import { RateBucket } from './rate-bucket.ts';

/** Buckets of accounts without a connection that are remembered until they are full again. */
const MAX_IDLE = 1024;

interface Entry {
  readonly bucket: RateBucket;
  connections: number;
}

/**
 * One bucket per account, shared by its connections to this relay. As many as there are accounts connected, and a bounded
 * number of those that just went: so that nobody gets a fresh bucket by connecting anew.
 */
export class AccountRates {
  readonly #perSecond: number;
  readonly #burst: number;
  readonly #entries = new Map<AccountId, Entry>();
  /** Accounts without a connection, the one that went first in front. */
  readonly #idle = new Set<AccountId>();

  constructor(perSecond: number, burst: number) {
    this.#perSecond = perSecond;
    this.#burst = burst;
  }

  /** Buckets that are held. */
  get size(): number {
    return this.#entries.size;
  }

  /** The bucket for one more connection of an account. */
  acquire(account: AccountId, nowMs: number): RateBucket {
    let entry = this.#entries.get(account);
    if (entry === undefined) {
      entry = { bucket: new RateBucket(this.#perSecond, this.#burst, nowMs), connections: 0 };
      this.#entries.set(account, entry);
    }
    entry.connections += 1;
    this.#idle.delete(account);
    return entry.bucket;
  }

  /** A connection that had acquired the bucket is gone. */
  release(account: AccountId, nowMs: number): void {
    const entry = this.#entries.get(account);
    if (entry === undefined) return;
    entry.connections -= 1;
    if (entry.connections > 0) return;
    this.#idle.add(account);
    for (const candidate of this.#idle) {
      const bucket = this.#entries.get(candidate)?.bucket;
      bucket?.refill(nowMs);
      if (bucket?.isFull === false && this.#idle.size <= MAX_IDLE) break;
      this.#idle.delete(candidate);
      this.#entries.delete(candidate);
    }
  }
}
