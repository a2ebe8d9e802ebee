import type { NoticeTopic, RelayOperations, WithdrawnKey } from './relay-operations.ts';

/** The part of a relay in this process that the control plane uses. */
export interface OperableRelay {
  announce(channel: string, topic: NoticeTopic): void;
  usage(account: string): Promise<{ readonly messages: number }>;
  expel(channel: string, account: string): Promise<boolean>;
  withdrawKeys(keys: readonly WithdrawnKey[]): void;
}

/** The operations of a relay in this process. */
export function localRelay(relay: OperableRelay): RelayOperations {
  return {
    announce: (channel, topic) => attempt(() => relay.announce(channel, topic)),
    usage: (account) => relay.usage(account),
    expel: (channel, account) => relay.expel(channel, account),
    withdrawKeys: (keys) => attempt(() => relay.withdrawKeys(keys)),
  };
}

/** What `work` returns or throws, as a promise. */
function attempt<T>(work: () => T): Promise<T> {
  return new Promise((resolve) => resolve(work()));
}
