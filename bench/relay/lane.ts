import type { Launcher, Program } from '../program.ts';
import type { Address, Peer } from './lean-stream.ts';
import type { BareServerCalls } from './programs/bare-server.ts';
import type { PublisherCalls, Stream } from './programs/publisher.ts';
import type { SubscribersCalls } from './programs/subscribers.ts';
import { CHANNEL, Relay } from './relay-home.ts';

/** The processes of a {@link Lane}, by their part. */
export const PARTS = ['publisher', 'server', 'subscribers'] as const;
/** The part of a process. */
export type Part = (typeof PARTS)[number];

/** What a burst took, from the first frame handed over to the last message at the last subscriber. */
export interface Burst {
  /** Messages published in a second. */
  readonly perSecond: number;
  /** CPU time of each process for each message, all of its threads. */
  readonly cpuMicros: Readonly<Record<Part, number>>;
}

/** What is sent, and to how many connections. */
export interface Traffic extends Omit<Stream, 'channel'> {
  /** Default: the one that all lanes use. */
  readonly channel?: string;
  readonly subscribers: number;
}

/** Where frames go through: relays, or the bare server. */
interface Servers {
  /** Of the publisher's. */
  readonly address: Address;
  /** Of the subscribers'. */
  readonly farAddress: Address;
  readonly programs: readonly Pick<Program<BareServerCalls>, 'usage'>[];
  /** Absent where the lane has not started it. */
  readonly relay?: Relay;
}

/** A publisher, a server and subscribers as processes of their own: the same layout for the relay and for its yardstick. */
export class Lane {
  readonly peer: Peer;
  /** The relay that was started with the lane. */
  readonly relay: Relay | undefined;
  readonly address: Address;
  readonly #servers: Servers['programs'];
  readonly #publisher: Program<PublisherCalls>;
  readonly #subscribers: Program<SubscribersCalls>;
  readonly #fanOut: number;

  private constructor(
    { address, programs, relay }: Servers,
    publisher: Program<PublisherCalls>,
    subscribers: Program<SubscribersCalls>,
    fanOut: number,
  ) {
    this.peer = address.peer;
    this.address = address;
    this.relay = relay;
    this.#servers = programs;
    this.#publisher = publisher;
    this.#subscribers = subscribers;
    this.#fanOut = fanOut;
  }

  /** Starts the processes, the relay with an empty log on disk, and connects them. */
  static async open(launcher: Launcher, peer: Peer, traffic: Traffic): Promise<Lane> {
    const servers = peer === 'relay' ? await startRelay(launcher) : await startBare(launcher);
    return Lane.#connect(launcher, servers, traffic);
  }

  /** Goes through relays that run: published to the first, read from the last. */
  static between(launcher: Launcher, [near, far = near]: readonly [Relay, Relay?], traffic: Traffic): Promise<Lane> {
    const programs = near === far ? [near.program] : [near.program, far.program];
    return Lane.#connect(launcher, { address: near.address, farAddress: far.address, programs }, traffic);
  }

  static async #connect(
    launcher: Launcher,
    servers: Servers,
    { subscribers: connections, channel = CHANNEL, ...stream }: Traffic,
  ): Promise<Lane> {
    const { address, farAddress } = servers;
    const publisher = launcher.start<PublisherCalls>('publisher', address.peer);
    const subscribers = launcher.start<SubscribersCalls>('subscribers', address.peer);
    await publisher.call('open', { address, stream: { channel, ...stream } });
    await subscribers.call('open', { address: farAddress, channel, connections, afterSeq: 0 });
    return new Lane(servers, publisher, subscribers, connections);
  }

  /** Publishes so many messages as fast as they are taken; every subscriber gets every one, in order. */
  async burst(messages: number): Promise<Burst> {
    const before = await this.#cpuMicros();
    const elapsedMs = await this.elapsedMs(messages);
    const after = await this.#cpuMicros();
    const used = (part: Part): number => (after[part] - before[part]) / messages;
    return {
      perSecond: (messages * 1000) / elapsedMs,
      cpuMicros: { publisher: used('publisher'), server: used('server'), subscribers: used('subscribers') },
    };
  }

  /** As {@link Lane.burst}: how long it took, in ms. */
  async elapsedMs(messages: number): Promise<number> {
    await this.#subscribers.call('expect', messages * this.#fanOut);
    const [{ startedAtMs }, endedAtMs] = await Promise.all([
      this.#publisher.call('saturate', messages),
      this.#subscribers.call('arrival'),
    ]);
    return endedAtMs - startedAtMs;
  }

  /** Ends the relay and deletes its log. The other processes end with their launcher. */
  async close(): Promise<void> {
    await this.#publisher.stop();
    await this.#subscribers.stop();
    await this.relay?.close();
  }

  async #cpuMicros(): Promise<Record<Part, number>> {
    const [publisher, subscribers, ...servers] = await Promise.all([
      this.#publisher.usage(),
      this.#subscribers.usage(),
      ...this.#servers.map((program) => program.usage()),
    ]);
    return {
      publisher: publisher.cpuMicros,
      server: servers.reduce((sum, { cpuMicros }) => sum + cpuMicros, 0),
      subscribers: subscribers.cpuMicros,
    };
  }
}

async function startRelay(launcher: Launcher): Promise<Servers> {
  const relay = await Relay.open(launcher, 'relay');
  return { address: relay.address, farAddress: relay.address, programs: [relay.program], relay };
}

async function startBare(launcher: Launcher): Promise<Servers> {
  const program = launcher.start<BareServerCalls>('bare-server', 'bare');
  const address: Address = { peer: 'bare', target: await program.call('open') };
  return { address, farAddress: address, programs: [program] };
}

/** A burst in one line. */
export function describeBurst(title: string, { perSecond, cpuMicros }: Burst): string {
  const parts = PARTS.map((part) => cpuMicros[part].toFixed(1)).join(' + ');
  return `${title}: ${perSecond.toFixed(0)} msg/s, CPU ${parts} µs/msg (${PARTS.join(', ')})`;
}
