import { parseChannelName } from '../base/channel-name.ts';
import type { ChannelName } from '../base/channel-name.ts';
import { checkInteger } from '../base/check.ts';
import type { Clock } from '../base/clock.ts';
import { RuntimeError } from '../base/errors.ts';
import type { NoticeTopic } from '../transport/index.ts';
import { isAccount, isKeyId } from './access/index.ts';
import type { AccountId } from './access/index.ts';
import type { LogEngine, Usage } from './engine/log-engine.ts';
import { monthStart } from './engine/month.ts';

/** An API key whose tokens are not to be taken any more. */
export interface WithdrawnKey {
  /** The `key_id` of its tokens. */
  readonly keyId: string;
  /** When the last of them ends by itself, Unix ms. */
  readonly untilMs: number;
}

/**
 * What a control plane asks of a relay. Misuse throws, or rejects with, a {@link RuntimeError} `invalid_argument`; what the log
 * is asked rejects with `store_error` while it cannot be used.
 */
export interface RelayOperations {
  /**
   * Tells those who read a channel, on all relays over the log, that there is something new for its members. They ask the
   * control plane then. Best effort: a notice may be lost, and several may come as one.
   */
  announce(channel: ChannelName, topic: NoticeTopic): void;
  /** What an account has stored in the present month (UTC), as all relays over the log have counted it. */
  usage(account: string): Promise<Usage>;
  /** Takes an account from a channel; its subscriptions end. Resolves to `false` if it was no member. Idempotent. */
  expel(channel: ChannelName, account: string): Promise<boolean>;
  /**
   * Refuses the tokens of API keys, on all relays over the log: open connections on them end at once with `UNAUTHENTICATED`.
   * It is kept in memory and best effort between relays, so tell the whole list again every half a minute. What was withdrawn
   * before stays so.
   */
  withdrawKeys(keys: readonly WithdrawnKey[]): void;
}

/** The operations, on a log. */
export function operationsOn(engine: LogEngine, clock: Pick<Clock, 'now'>): RelayOperations {
  return {
    announce(channel, topic) {
      engine.announce({ kind: 'notice', channel: parseChannelName(channel), topic: checkTopic(topic) });
    },
    usage: async (account) => engine.usage(checkAccount(account), monthStart(clock.now())),
    expel: async (channel, account) => engine.expel(parseChannelName(channel), checkAccount(account)),
    withdrawKeys(keys) {
      const checked = keys.map(checkKey);
      for (const key of checked) engine.announce({ kind: 'withdrawn', ...key });
    },
  };
}

function checkTopic(topic: string): NoticeTopic {
  if (topic === 'join-requests' || topic === 'removals') return topic;
  throw new RuntimeError('invalid_argument', 'Expected `topic` to be join-requests or removals.');
}

function checkAccount(account: string): AccountId {
  if (isAccount(account)) return account;
  throw new RuntimeError('invalid_argument', 'Expected `account` to be 1 to 128 printable ASCII characters.');
}

function checkKey({ keyId, untilMs }: WithdrawnKey): WithdrawnKey {
  if (!isKeyId(keyId)) {
    throw new RuntimeError('invalid_argument', 'Expected `keyId` to be 1 to 128 printable ASCII characters.');
  }
  return { keyId, untilMs: checkInteger('untilMs', untilMs, 0) };
}
