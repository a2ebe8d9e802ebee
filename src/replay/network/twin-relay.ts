import type { ChannelName } from '../../base/channel-name.ts';
import type { Clock } from '../../base/clock.ts';
import { TransportError } from '../../base/errors.ts';
import type { SkytaleError } from '../../base/errors.ts';
import {
  type LogEntry,
  type MemoryRelay,
  type RelayTransport,
  type Submission,
  WelcomeDesk,
  type WelcomeDelivery,
  type WelcomeSubmission,
} from '../../transport/index.ts';

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
  readonly #groups = new Map<ChannelName, Uint8Array>();
  readonly #retained = new Map<ChannelName, readonly LogEntry[]>();
  /** What some agents are shown in place of the logs. */
  #other: { readonly memory: MemoryRelay; readonly agents: ReadonlySet<string> } | undefined;
  readonly #falseWelcomes = new WelcomeDesk();
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

  /** A connection of an agent, to what it is shown. */
  connect(account: string | undefined, agent: string | undefined): RelayTransport {
    const isTold = agent !== undefined && this.#other?.agents.has(agent) === true;
    return (isTold ? (this.#other?.memory ?? this.memory) : this.memory).connect(account);
  }

  /** From now on these agents are shown a history of their own. On connections that are made from now on. */
  split(agents: readonly string[]): void {
    this.#other = { memory: this.memory.fork(), agents: new Set(agents) };
  }

  /** All are shown the same again: what was in the history of the others. On connections that are made from now on. */
  unite(): void {
    this.#other = undefined;
  }

  /** The Welcome of a commit that has lost, if it is ever handed out. */
  falseWelcome(keyPackageRef: Uint8Array): Promise<WelcomeDelivery> {
    return this.#falseWelcomes.wait(keyPackageRef, undefined);
  }

  /** Hands Welcomes to those who wait for them, as if their commit had won. */
  handOut(channel: ChannelName, welcomes: readonly WelcomeSubmission[]): void {
    const commitSeq = this.memory.entries(channel).findLast(({ kind }) => kind === 'commit')?.seq ?? 0;
    for (const { keyPackageRefs, payload } of welcomes) {
      for (const ref of keyPackageRefs) this.#falseWelcomes.deliver(ref, { channel, commitSeq, payload });
    }
  }

  /** Whether anybody has said anything. */
  get hasMessages(): boolean {
    return [...this.#groups.keys()].some((channel) =>
      this.memory.entries(channel).some(({ kind }) => kind === 'message'),
    );
  }

  /** Publishes on every channel, as somebody who may write there. */
  async intrude(publish: (log: readonly LogEntry[]) => readonly Submission[]): Promise<void> {
    const intruder = this.memory.connect();
    for (const [channel, group] of this.#groups) {
      const log = this.memory.entries(channel);
      if (log.length === 0) continue;
      const link = intruder.open({ channel, group, start: { afterSeq: 0 }, credit: 1 });
      await link.publish(publish(log));
    }
    await intruder.close();
  }

  attach(client: Attached): void {
    this.#clients.add(client);
  }

  detach(client: Attached): void {
    this.#clients.delete(client);
  }

  /** Remembers that there is a log of this name, of this group. */
  know(channel: ChannelName, group: Uint8Array): void {
    this.#groups.set(channel, group);
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
    const heads = [...this.#groups.keys()].map((channel) => ({
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
    const heads = [...this.#groups.keys()].map((channel) => ({ channel, last: this.memory.entries(channel).at(-1) }));
    for (const { channel, last } of heads) {
      if (last === undefined) continue;
      this.#retained.set(channel, this.log(channel));
      this.memory.trim(channel, last.seq);
    }
    return heads.some(({ last }) => last !== undefined);
  }
}
