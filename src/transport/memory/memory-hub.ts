import type { ChannelName } from '../../base/channel-name.ts';
import type { SkytaleError } from '../../base/errors.ts';
import type { PublishAnswer, Submission, WelcomeDelivery } from '../relay-transport.ts';
import type { MemoryLog } from './memory-log.ts';

/** What a client of a memory relay sees of it. */
export interface MemoryHub {
  readonly isOnline: boolean;
  log(channel: ChannelName): MemoryLog;
  publish(channel: ChannelName, group: Uint8Array, submissions: readonly Submission[]): readonly PublishAnswer[];
  welcome(keyPackageRef: Uint8Array): WelcomeDelivery | undefined;
  join(client: MemoryClient): void;
  leave(client: MemoryClient): void;
}

/** A client, as a memory relay sees it. */
export interface MemoryClient {
  /** Logs or Welcomes have grown. */
  wake(): void;
  cut(cause: SkytaleError): void;
  reachable(): void;
}
