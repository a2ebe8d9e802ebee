import type { Clock } from '../../base/clock.ts';
import type { RelayLimits } from '../limits.ts';
import { Accounts } from './accounts.ts';
import type { AccountShare } from './accounts.ts';
import type { AccountId, Authenticator } from './principal.ts';
import { RateBucket } from './rate-bucket.ts';
import { WithdrawnKeys } from './withdrawn-keys.ts';

/** What makes a relay ask its clients who they are, shared by all of its sessions. */
export interface AccessControl {
  readonly authenticator: Authenticator;
  /** API keys whose tokens are not taken any more, although they have not ended. */
  readonly withdrawn: WithdrawnKeys;
  /** A bucket for one connection. */
  connectionRate(): RateBucket;
  /** What one more connection of the account shares with the others; `undefined` if it has too many. To be released once. */
  acquire(account: AccountId): AccountShare | undefined;
  /** A connection of the account is gone. */
  release(account: AccountId): void;
}

/**
 * Access control by tokens, rates and numbers. A burst is what flows in within a second, and at least one full `Publish`, or
 * a client would wait for what can never come.
 */
export function createAccessControl(authenticator: Authenticator, limits: RelayLimits, clock: Clock): AccessControl {
  const { messagesPerSecond, accountMessagesPerSecond, maxBatchEntries } = limits;
  const burst = Math.max(messagesPerSecond, maxBatchEntries);
  const accounts = new Accounts({
    messagesPerSecond: accountMessagesPerSecond,
    burst: Math.max(accountMessagesPerSecond, maxBatchEntries),
    connections: limits.maxAccountConnections,
    subscriptions: limits.maxAccountSubscriptions,
  });
  return {
    authenticator,
    withdrawn: new WithdrawnKeys(clock),
    connectionRate: () => new RateBucket(messagesPerSecond, burst, clock.now()),
    acquire: (account) => accounts.acquire(account, clock.now()),
    release: (account) => accounts.release(account, clock.now()),
  };
}
