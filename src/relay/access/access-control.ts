import type { Clock } from '../../base/clock.ts';
import type { RelayLimits } from '../limits.ts';
import { AccountRates } from './account-rates.ts';
import type { Authenticator } from './principal.ts';
import { RateBucket } from './rate-bucket.ts';

/** What makes a relay ask its clients who they are, shared by all of its sessions. */
export interface AccessControl {
  readonly authenticator: Authenticator;
  readonly accountRates: AccountRates;
  /** A bucket for one connection. */
  connectionRate(): RateBucket;
}

/**
 * Access control by tokens and rates. A burst is what flows in within a second, and at least one full `Publish`, or a
 * client would wait for what can never come.
 */
export function createAccessControl(authenticator: Authenticator, limits: RelayLimits, clock: Clock): AccessControl {
  const { messagesPerSecond, accountMessagesPerSecond, maxBatchEntries } = limits;
  return {
    authenticator,
    accountRates: new AccountRates(accountMessagesPerSecond, Math.max(accountMessagesPerSecond, maxBatchEntries)),
    connectionRate: () => new RateBucket(messagesPerSecond, Math.max(messagesPerSecond, maxBatchEntries), clock.now()),
  };
}
