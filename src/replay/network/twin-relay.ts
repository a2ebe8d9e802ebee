import type { ChannelName } from '../../base/channel-name.ts';
import type { Clock } from '../../base/clock.ts';
import { TransportError } from '../../base/errors.ts';
import type { SkytaleError } from '../../base/errors.ts';
import type { LogEntry, MemoryRelay } from '../../transport/index.ts';

/** A client's end of the connections to a {@link TwinRelay}. */
export interface Attached {
  /** The connection ends, with all that is under way. The client tries again by itself. */
  cut(cause: SkytaleError): void;
  /** It makes sense to try again now. */
  reachable(): void;
}

/** The relay of a simulation: its rules are those of the memory relay; that it can crash, and lose what it had, is added here. */
export class TwinRelay {
  readonly memory: MemoryRelay;
  readonly #clock: Clock;
  readonly #clients = new Set<Attached>();
  readonly #channels = new Set<ChannelName>();
  readonly #retained = new Map<ChannelName, readonly LogEntry[]>();
  #isUp = true;
  #downs = 0;

  constructor(memory: MemoryRelay, clock: Clock) {
    this.memory = memory;
    this.#clock = clock;
  }

  get isUp(): boolean {
    return this.#isUp;
  }

  /** What is in a log, and what retention has taken from it. */
  log(channel: ChannelName): readonly LogEntry[] {
    return [...(this.#retained.get(channel) ?? []), ...this.memory.entries(channel)];
  }

  attach(client: Attached): void {
    this.#clients.add(client);
  }

  detach(client: Attached): void {
    this.#clients.delete(client);
  }

  /** Remembers that there is a log of this name. */
  know(channel: ChannelName): void {
    this.#channels.add(channel);
  }

  /** Nobody reaches it any more. */
  stop(): void {
    this.#isUp = false;
    this.#downs += 1;
    const cause = new TransportError('connection_lost', 'the connection to the relay is lost');
    for (const client of [...this.#clients]) client.cut(cause);
  }

  start(): void {
    this.#isUp = true;
    for (const client of [...this.#clients]) client.reachable();
  }

  /** Ends as a process that is killed, and comes back after a time with all that it had stored. */
  crash(forMs: number): void {
    this.stop();
    const downs = this.#downs;
    this.#clock.schedule(forMs, () => {
      if (!this.#isUp && downs === this.#downs) this.start();
    });
  }

  /** Comes back from a backup that lacks the last `entries` of each log. Returns whether there was anything to lose. */
  restoreBackup(entries: number): boolean {
    const heads = [...this.#channels].map((channel) => ({
      channel,
      seq: this.memory.entries(channel).at(-1)?.seq ?? 0,
    }));
    this.stop();
    for (const { channel, seq } of heads) this.memory.rewind(channel, Math.max(0, seq - entries));
    this.start();
    return heads.some(({ seq }) => seq > 0);
  }

  /** Forgets the entries of all logs, as retention does with those that are old. Returns whether there were any. */
  retain(): boolean {
    const heads = [...this.#channels].map((channel) => ({ channel, last: this.memory.entries(channel).at(-1) }));
    for (const { channel, last } of heads) {
      if (last === undefined) continue;
      this.#retained.set(channel, this.log(channel));
      this.memory.trim(channel, last.seq);
    }
    return heads.some(({ last }) => last !== undefined);
  }
}
