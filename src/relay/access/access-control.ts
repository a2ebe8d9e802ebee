import type { Clock } from '../../base/clock.ts';
import type { RelayLimits } from '../limits.ts';
import { AccountRates } from './account-rates.ts';
import type { AccountId, Authenticator } from './principal.ts';
import { RateBucket } from './rate-bucket.ts';

/** What makes a relay ask its clients who they are, shared by all of its sessions. */
export interface AccessControl {
  readonly authenticator: Authenticator;
  /** A bucket for one connection. */
  connectionRate(): RateBucket;
  /** The bucket of an account, for one more connection of it. To be released once. */
  acquire(account: AccountId): RateBucket;
  /** A connection of the account is gone. */
  release(account: AccountId): void;
}

/**
 * Access control by tokens and rates. A burst is what flows in within a second, and at least one full `Publish`, or a
 * client would wait for what can never come.
 */
export function createAccessControl(authenticator: Authenticator, limits: RelayLimits, clock: Clock): AccessControl {
  const { messagesPerSecond, accountMessagesPerSecond, maxBatchEntries } = limits;
  const burst = Math.max(messagesPerSecond, maxBatchEntries);
  const accounts = new AccountRates(accountMessagesPerSecond, Math.max(accountMessagesPerSecond, maxBatchEntries));
  return {
    authenticator,
    connectionRate: () => new RateBucket(messagesPerSecond, burst, clock.now()),
    acquire: (account) => accounts.acquire(account, clock.now()),
    release: (account) => accounts.release(account, clock.now()),
  };
}
