import type { ChannelName } from '../../base/channel-name.ts';
import type { SkytaleError } from '../../base/errors.ts';
import type { NoticeTopic, PublishAnswer, Quota, Submission, WelcomeDelivery } from '../relay-transport.ts';
import type { MemoryCaller } from './memory-door.ts';
import type { MemoryLog } from './memory-log.ts';

/** What a client of a memory relay sees of it. */
export interface MemoryHub {
  readonly isOnline: boolean;
  log(channel: ChannelName): MemoryLog;
  publish(caller: MemoryCaller, publish: MemoryPublish): readonly PublishAnswer[];
  /** Hands a Welcome over, if it is there and nobody on another account has it. */
  welcome(keyPackageRef: Uint8Array, account: string | undefined): WelcomeDelivery | 'taken' | undefined;
  isOpenTo(channel: ChannelName, account: string | undefined): boolean;
  quota(caller: MemoryCaller): Quota | undefined;
  join(client: MemoryClient): void;
  leave(client: MemoryClient): void;
}

/** What a client hands in. */
export interface MemoryPublish {
  readonly channel: ChannelName;
  readonly group: Uint8Array;
  readonly submissions: readonly Submission[];
  readonly round: number;
}

/** A client, as a memory relay sees it. */
export interface MemoryClient {
  /** Logs or Welcomes have grown. */
  wake(): void;
  /** There is something new for the members of a channel. */
  notice(channel: ChannelName, topic: NoticeTopic): void;
  cut(cause: SkytaleError): void;
  reachable(): void;
}
