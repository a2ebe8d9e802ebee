import { toHex } from '../../base/bytes.ts';
import type { ChannelName } from '../../base/channel-name.ts';
import { lastSeq } from '../engine/entry-run.ts';
import type { Appended, LogEngine } from '../engine/log-engine.ts';
import { RecentEntries } from './recent-entries.ts';

/** Somebody who wants to know when a channel's log has grown. */
export interface ChannelWatcher {
  /** The channel's log now ends at `headSeq`. */
  appended(headSeq: number, group: Uint8Array): void;
}

/** Somebody who waits for a Welcome. */
export type WelcomeWatcher = () => void;

/** Where what the engine stores meets those who wait for it. One per relay. */
export class DeliveryHub {
  readonly recent: RecentEntries;
  readonly #channels = new Map<ChannelName, Set<ChannelWatcher>>();
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
    return join(this.#channels, channel, watcher);
  }

  /** Tells `watcher` each time a Welcome for the key package is stored; the returned function ends that. */
  watchWelcome(keyPackageRef: Uint8Array, watcher: WelcomeWatcher): () => void {
    return join(this.#welcomes, toHex(keyPackageRef), watcher);
  }

  /** Stops listening to the engine. */
  close(): void {
    this.#unsubscribe();
  }

  #publish({ channel, group, run, welcomeRefs }: Appended): void {
    const watchers = this.#channels.get(channel);
    if (watchers !== undefined) {
      this.recent.push(channel, run);
      const headSeq = lastSeq(run);
      for (const watcher of watchers) watcher.appended(headSeq, group);
      this.recent.evict();
    }
    for (const ref of welcomeRefs) {
      for (const watcher of this.#welcomes.get(toHex(ref)) ?? []) watcher();
    }
  }
}

function join<Key, Member>(sets: Map<Key, Set<Member>>, key: Key, member: Member): () => void {
  const members = sets.get(key) ?? new Set();
  sets.set(key, members.add(member));
  return () => {
    if (members.delete(member) && members.size === 0 && sets.get(key) === members) sets.delete(key);
  };
}
