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
  readonly subscribers: number;
}

/** Where frames go through: a relay, or the bare server. */
interface ServerProcess {
  readonly address: Address;
  readonly program: Pick<Program<BareServerCalls>, 'usage'>;
  /** Absent for the bare server. */
  readonly relay?: Relay;
}

/** A publisher, a server and subscribers as processes of their own: the same layout for the relay and for its yardstick. */
export class Lane {
  readonly peer: Peer;
  /** Absent in the lane of the yardstick. */
  readonly relay: Relay | undefined;
  readonly address: Address;
  readonly #server: ServerProcess['program'];
  readonly #publisher: Program<PublisherCalls>;
  readonly #subscribers: Program<SubscribersCalls>;
  readonly #fanOut: number;

  private constructor(
    { address, program, relay }: ServerProcess,
    publisher: Program<PublisherCalls>,
    subscribers: Program<SubscribersCalls>,
    fanOut: number,
  ) {
    this.peer = address.peer;
    this.address = address;
    this.relay = relay;
    this.#server = program;
    this.#publisher = publisher;
    this.#subscribers = subscribers;
    this.#fanOut = fanOut;
  }

  /** Starts the processes, the relay with an empty log on disk, and connects them. */
  static async open(launcher: Launcher, peer: Peer, { subscribers: connections, ...stream }: Traffic): Promise<Lane> {
    const server = peer === 'relay' ? await startRelay(launcher) : await startBare(launcher);
    const { address } = server;
    const publisher = launcher.start<PublisherCalls>('publisher', peer);
    const subscribers = launcher.start<SubscribersCalls>('subscribers', peer);
    await publisher.call('open', { address, stream: { channel: CHANNEL, ...stream } });
    await subscribers.call('open', { address, channel: CHANNEL, connections, afterSeq: 0 });
    return new Lane(server, publisher, subscribers, connections);
  }

  /** Publishes so many messages as fast as they are taken; every subscriber gets every one, in order. */
  async burst(messages: number): Promise<Burst> {
    await this.#subscribers.call('expect', messages * this.#fanOut);
    const before = await this.#cpuMicros();
    const [{ startedAtMs }, endedAtMs] = await Promise.all([
      this.#publisher.call('saturate', messages),
      this.#subscribers.call('arrival'),
    ]);
    const after = await this.#cpuMicros();
    const used = (part: Part): number => (after[part] - before[part]) / messages;
    return {
      perSecond: (messages * 1000) / (endedAtMs - startedAtMs),
      cpuMicros: { publisher: used('publisher'), server: used('server'), subscribers: used('subscribers') },
    };
  }

  /** Ends the relay and deletes its log. The other processes end with their launcher. */
  async close(): Promise<void> {
    await this.#publisher.stop();
    await this.#subscribers.stop();
    await this.relay?.close();
  }

  async #cpuMicros(): Promise<Record<Part, number>> {
    const [publisher, server, subscribers] = await Promise.all(
      [this.#publisher, this.#server, this.#subscribers].map((program) => program.usage()),
    );
    return {
      publisher: publisher?.cpuMicros ?? 0,
      server: server?.cpuMicros ?? 0,
      subscribers: subscribers?.cpuMicros ?? 0,
    };
  }
}

async function startRelay(launcher: Launcher): Promise<ServerProcess> {
  const relay = await Relay.open(launcher, 'relay');
  return { address: relay.address, program: relay.program, relay };
}

async function startBare(launcher: Launcher): Promise<ServerProcess> {
  const program = launcher.start<BareServerCalls>('bare-server', 'bare');
  return { address: { peer: 'bare', target: await program.call('open') }, program };
}

/** A burst in one line. */
export function describeBurst(title: string, { perSecond, cpuMicros }: Burst): string {
  const parts = PARTS.map((part) => cpuMicros[part].toFixed(1)).join(' + ');
  return `${title}: ${perSecond.toFixed(0)} msg/s, CPU ${parts} µs/msg (${PARTS.join(', ')})`;
}
