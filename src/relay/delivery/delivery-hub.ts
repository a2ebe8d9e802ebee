import { toHex } from '../../base/bytes.ts';
import type { ChannelName } from '../../base/channel-name.ts';
import { lastSeq } from '../engine/entry-run.ts';
import type { AccessChange, Announcement, Appended, LogEngine } from '../engine/log-engine.ts';
import { ChannelWatchers } from './channel-watchers.ts';
import type { ChannelWatcher } from './channel-watchers.ts';
import { RecentEntries } from './recent-entries.ts';
import { WelcomeLine } from './welcome-line.ts';
import type { WelcomeWatcher } from './welcome-line.ts';

/** Somebody who wants to know when the members of a channel change. */
export type AccessWatcher = (change: AccessChange) => void;

/** Where what the engine stores meets those who wait for it. One per relay. */
export class DeliveryHub {
  readonly recent: RecentEntries;
  readonly #channels = new Map<ChannelName, ChannelWatchers>();
  readonly #welcomes = new Map<string, WelcomeLine>();
  readonly #members = new Map<ChannelName, Set<AccessWatcher>>();
  readonly #unsubscribe: () => void;

  /** @param onFailure called when the engine has failed for good */
  constructor(engine: LogEngine, maxRecentBytes: number, onFailure: (error: unknown) => void) {
    this.recent = new RecentEntries(maxRecentBytes);
    const subscription = engine.appended$.subscribe({ next: (appended) => this.#publish(appended), error: onFailure });
    // Their ends come with that of `appended$`.
    const error = (): void => undefined;
    subscription.add(engine.accessChanges$.subscribe({ next: (change) => this.#tellMembers(change), error }));
    subscription.add(engine.announcements$.subscribe({ next: (each) => this.#announced(each), error }));
    this.#unsubscribe = () => subscription.unsubscribe();
  }

  /** Tells `watcher` of everything appended to a channel from now on; the returned function ends that. */
  watchChannel(channel: ChannelName, watcher: ChannelWatcher): () => void {
    return join(this.#channels, channel, watcher, () => new ChannelWatchers());
  }

  /**
   * Calls `watcher` when it should look for a Welcome for the key package: each time that one is stored, and before if nobody
   * has waited for it longer. Those who wait are called in the order in which they came. The returned function ends that.
   */
  watchWelcome(keyPackageRef: Uint8Array, watcher: WelcomeWatcher): () => void {
    return join(this.#welcomes, toHex(keyPackageRef), watcher, () => new WelcomeLine());
  }

  /** Tells `watcher` of every change of a channel's members from now on; the returned function ends that. */
  watchMembers(channel: ChannelName, watcher: AccessWatcher): () => void {
    return join(this.#members, channel, watcher, () => new Set<AccessWatcher>());
  }

  /** Stops listening to the engine. */
  close(): void {
    this.#unsubscribe();
  }

  #tellMembers(change: AccessChange): void {
    // Of a copy: who is told may stop watching, and who comes meanwhile has asked the engine after the change.
    for (const watcher of [...(this.#members.get(change.channel) ?? [])]) watcher(change);
  }

  #announced(announcement: Announcement): void {
    if (announcement.kind === 'notice') this.#channels.get(announcement.channel)?.notify(announcement.topic);
  }

  #publish({ channel, group, run, welcomeRefs }: Appended): void {
    const watchers = this.#channels.get(channel);
    if (watchers !== undefined) {
      this.recent.push(channel, run);
      watchers.tell(lastSeq(run), group);
      this.recent.evict();
    }
    for (const ref of welcomeRefs) this.#welcomes.get(toHex(ref))?.tell();
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
