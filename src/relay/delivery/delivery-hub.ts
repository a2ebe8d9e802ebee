import { toHex } from '../../base/bytes.ts';
import type { ChannelName } from '../../base/channel-name.ts';
import { lastSeq } from '../engine/entry-run.ts';
import type { Appended, LogEngine } from '../engine/log-engine.ts';
import { ChannelWatchers } from './channel-watchers.ts';
import type { ChannelWatcher } from './channel-watchers.ts';
import { RecentEntries } from './recent-entries.ts';

/** Somebody who waits for a Welcome. */
export type WelcomeWatcher = () => void;

/** Where what the engine stores meets those who wait for it. One per relay. */
export class DeliveryHub {
  readonly recent: RecentEntries;
  readonly #channels = new Map<ChannelName, ChannelWatchers>();
  readonly #welcomes = new Map<string, Set<WelcomeWatcher>>();
  readonly #unsubscribe: () => void;

  /** @param onFailure called when the engine has failed for good */
  constructor(engine: LogEngine, maxRecentBytes: number, onFailure: (error: unknown) => void) {
    this.recent = new RecentEntries(maxRecentBytes);
    const subscription = engine.appended$.subscribe({ next: (appended) => this.#publish(appended), error: onFailure });
    this.#unsubscribe = () => subscription.unsubscribe();
  }

  /** Tells `watcher` of everything appended to a channel from now on; the returned function ends that. */
  watchChannel(channel: ChannelName, watcher: ChannelWatcher): () => void {
    return join(this.#channels, channel, watcher, () => new ChannelWatchers());
  }

  /** Tells `watcher` each time a Welcome for the key package is stored; the returned function ends that. */
  watchWelcome(keyPackageRef: Uint8Array, watcher: WelcomeWatcher): () => void {
    return join(this.#welcomes, toHex(keyPackageRef), watcher, () => new Set<WelcomeWatcher>());
  }

  /** Stops listening to the engine. */
  close(): void {
    this.#unsubscribe();
  }

  #publish({ channel, group, run, welcomeRefs }: Appended): void {
    const watchers = this.#channels.get(channel);
    if (watchers !== undefined) {
      this.recent.push(channel, run);
      watchers.tell(lastSeq(run), group);
      this.recent.evict();
    }
    for (const ref of welcomeRefs) {
      for (const watcher of this.#welcomes.get(toHex(ref)) ?? []) watcher();
    }
  }
}

/** A set, or what is like one. */
interface Members<Member> {
  readonly size: number;
  add(member: Member): unknown;
  delete(member: Member): boolean;
}

function join<Key, Member, Group extends Members<Member>>(
  groups: Map<Key, Group>,
  key: Key,
  member: Member,
  create: () => Group,
): () => void {
  const members = groups.get(key) ?? create();
  groups.set(key, members);
  members.add(member);
  return () => {
    if (members.delete(member) && members.size === 0 && groups.get(key) === members) groups.delete(key);
  };
}
