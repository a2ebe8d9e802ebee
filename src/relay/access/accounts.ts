import type { AccountId } from './principal.ts';
import { RateBucket } from './rate-bucket.ts';

/** What each account may have on this relay. */
export interface AccountAllowance {
  /** Messages in a second, in the mean, and at once. */
  readonly messagesPerSecond: number;
  readonly burst: number;
  readonly connections: number;
  readonly subscriptions: number;
}

/** What the connections of one account have between them. */
export class AccountShare {
  readonly rate: RateBucket;
  readonly #maxSubscriptions: number;
  #subscriptions = 0;
  connections = 0;

  constructor({ messagesPerSecond, burst, subscriptions }: AccountAllowance, nowMs: number) {
    this.rate = new RateBucket(messagesPerSecond, burst, nowMs);
    this.#maxSubscriptions = subscriptions;
  }

  /** Takes a place for one more subscription; `false` if there is none. To be given back once. */
  takeSubscription(): boolean {
    if (this.#subscriptions >= this.#maxSubscriptions) return false;
    this.#subscriptions += 1;
    return true;
  }

  /** A subscription that had a place has ended. */
  giveSubscription(): void {
    this.#subscriptions -= 1;
  }
}

/** Accounts without a connection that are remembered until their rate is as good as new. */
const MAX_IDLE = 1024;

/**
 * The accounts that are connected to this relay, and a bounded number of those that just went: so that nobody gets a fresh
 * rate by connecting anew.
 */
export class Accounts {
  readonly #allowance: AccountAllowance;
  readonly #shares = new Map<AccountId, AccountShare>();
  /** Accounts without a connection, the one that went first in front. */
  readonly #idle = new Set<AccountId>();

  constructor(allowance: AccountAllowance) {
    this.#allowance = allowance;
  }

  /** Accounts that are held. */
  get size(): number {
    return this.#shares.size;
  }

  /** What one more connection of an account shares with the others; `undefined` if it may have no more of them. */
  acquire(account: AccountId, nowMs: number): AccountShare | undefined {
    let share = this.#shares.get(account);
    if (share === undefined) {
      share = new AccountShare(this.#allowance, nowMs);
      this.#shares.set(account, share);
    }
    if (share.connections >= this.#allowance.connections) return undefined;
    share.connections += 1;
    this.#idle.delete(account);
    return share;
  }

  /** A connection that had acquired its share is gone. */
  release(account: AccountId, nowMs: number): void {
    const share = this.#shares.get(account);
    if (share === undefined) return;
    share.connections -= 1;
    if (share.connections > 0) return;
    this.#idle.add(account);
    for (const candidate of this.#idle) {
      const rate = this.#shares.get(candidate)?.rate;
      rate?.refill(nowMs);
      if (rate?.isFull === false && this.#idle.size <= MAX_IDLE) break;
      this.#idle.delete(candidate);
      this.#shares.delete(candidate);
    }
  }
}
