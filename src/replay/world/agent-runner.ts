import { Keyv, type KeyvStoreAdapter } from 'keyv';
import type { Clock } from '../../base/clock.ts';
import { SkytaleClient } from '../../client/index.ts';
import type { MemoryControlPlane, Submission } from '../../transport/index.ts';
import type { FaultBoard } from '../faults/fault-board.ts';
import type { FaultOf } from '../faults/fault.ts';
import type { TwinRelay } from '../network/twin-relay.ts';
import { TwinTransport } from '../network/twin-transport.ts';
import { AgentMischief } from './agent-mischief.ts';
import { LifeClock } from './life-clock.ts';
import type { SeededRandom } from './seeded-random.ts';
import type { SimulatedAgent, SimulatedAgentOptions } from './simulated-agent.ts';
import { type DiskImage, VirtualDisk, type WriteOutcome } from './virtual-disk.ts';

/** What all agents of a world stand on. */
export interface AgentSurroundings {
  readonly relay: TwinRelay;
  readonly controlPlane: MemoryControlPlane;
  readonly clock: Clock;
  readonly random: SeededRandom;
  readonly board: FaultBoard;
  readonly latency: () => number;
  readonly readMs: number;
  readonly onError: (error: unknown) => void;
  readonly onSubmit: (agent: string, submissions: readonly Submission[]) => void;
  readonly onArrive: (agent: string, submissions: readonly Submission[]) => void;
}

/** How long a client waits until it connects again, in milliseconds. */
const RETRY_MS = [50, 400] as const;
const FAILURES = { full: 'ENOSPC', 'read-only': 'EROFS', locked: 'SQLITE_BUSY' } as const;

/** What runs a {@link SimulatedAgent}: starts its client, and does to it what the plan says. */
export class AgentRunner implements SimulatedAgent {
  readonly name: string;
  readonly disk: VirtualDisk = new VirtualDisk();
  readonly mischief: AgentMischief;
  readonly random: SeededRandom;
  /** The clock of the world. */
  readonly clock: Clock;
  readonly #options: SimulatedAgentOptions;
  readonly #world: AgentSurroundings;
  #life: { readonly client: SkytaleClient; readonly clock: LifeClock; readonly transport: TwinTransport } | undefined;
  #lives = 0;
  #partitions = 0;
  #skewMs: number;

  constructor(name: string, options: SimulatedAgentOptions, world: AgentSurroundings) {
    this.name = name;
    this.#options = options;
    this.#world = world;
    this.#skewMs = options.clockSkewMs ?? 0;
    this.random = world.random.fork();
    this.clock = world.clock;
    this.mischief = new AgentMischief(name, world.board, world.clock, () => this.#life?.transport.release());
  }

  /** How often it was started. */
  get lives(): number {
    return this.#lives;
  }

  get isUp(): boolean {
    return this.#life !== undefined;
  }

  /** Whether it has a connection to the relay. */
  get isOnline(): boolean {
    return this.#life?.transport.isOnline === true;
  }

  /** The client of its present life. @throws Error while it is down */
  get client(): SkytaleClient {
    if (this.#life === undefined) throw new Error(`${this.name} is down`);
    return this.#life.client;
  }

  /** The connection of its present life. */
  get transport(): TwinTransport | undefined {
    return this.#life?.transport;
  }

  /** Begins a life, if it is down. */
  start(): void {
    if (this.#life !== undefined) return;
    this.#lives += 1;
    const { onError } = this.#world;
    const clock = new LifeClock(this.#world.clock, () => this.#skewMs, this.#world.readMs);
    const transport = this.#createTransport(clock);
    if (this.#partitions > 0) transport.cutOff();
    const store = this.disk.mount(() => this.#onWrite());
    const client = this.#createClient(this.name, store, transport, clock);
    this.#life = { client, clock, transport };
    const started = async (): Promise<void> => {
      await client.ready;
      await this.#options.onStart?.(client, this);
    };
    const life = this.#lives;
    started().catch((error: unknown) => {
      if (this.#lives !== life || !this.isUp) return;
      if (this.#options.onError === undefined) onError(error);
      else this.#options.onError(error, this);
    });
  }

  /** Another client on the same machine and account, with a store of its own and a clock that is so much ahead. */
  besides(name: string, store: KeyvStoreAdapter, skewMs = 0): SkytaleClient {
    const clock = new LifeClock(this.#world.clock, () => this.#skewMs + skewMs, this.#world.readMs);
    return this.#createClient(name, store, this.#createTransport(clock), clock);
  }

  #createTransport(clock: Clock): TwinTransport {
    const { relay, latency, onSubmit, onArrive, clock: networkClock } = this.#world;
    const [shortest, longest] = RETRY_MS;
    return new TwinTransport({
      relay,
      clock,
      networkClock,
      latency,
      mischief: this.mischief,
      account: this.#options.account,
      agent: this.name,
      retryInMs: () => this.random.between(shortest, longest),
      onSubmit: (submissions) => onSubmit(this.name, submissions),
      onArrive: (submissions) => onArrive(this.name, submissions),
    });
  }

  #createClient(name: string, store: KeyvStoreAdapter, transport: TwinTransport, clock: Clock): SkytaleClient {
    const { account, client } = this.#options;
    return new SkytaleClient('http://127.0.0.1:1', name, new TextEncoder().encode(name), {
      ...client,
      ...(account !== undefined && { controlPlane: this.#world.controlPlane.connect(account) }),
      transport,
      keyv: new Keyv({ store, namespace: 'skytale', emitErrors: false }),
      clock,
      random: this.random,
    });
  }

  /** Ends its life as a process that is killed: nothing of it is heard any more, what reached the disk is there. */
  crash(how: 'crashed' | 'restored' = 'crashed'): void {
    const life = this.#life;
    if (life === undefined) return;
    this.#life = undefined;
    this.disk.eject();
    life.clock.end();
    this.#options.onCrash?.(this, how);
    void life.transport.close();
  }

  /** Crashes, and is started again after a time. */
  crashFor(forMs: number): void {
    this.crash();
    this.#world.clock.schedule(forMs, () => this.start());
  }

  /** Crashes, and comes back after a time from what its disk held once. */
  restoreFrom(image: DiskImage, forMs: number): void {
    this.crash('restored');
    this.disk.restore(image);
    this.#world.clock.schedule(forMs, () => this.start());
  }

  /** Its clock is so much further on from now on, or back. */
  shiftClock(byMs: number): void {
    this.#skewMs += byMs;
  }

  /** The relay is out of its reach, now and in later lives, until it is let through as often. */
  cutOff(): void {
    this.#partitions += 1;
    this.#life?.transport.cutOff();
  }

  letThrough(): void {
    this.#partitions = Math.max(0, this.#partitions - 1);
    if (this.#partitions === 0) this.#life?.transport.letThrough();
  }

  #onWrite(): WriteOutcome {
    const { board } = this.#world;
    let outcome: WriteOutcome = { kind: 'lands' };
    for (const fault of board.next('write', this.name) as FaultOf<'crash' | 'store-fails'>[]) {
      board.fired(fault);
      if (fault.kind === 'crash') this.crashFor(fault.forMs);
      else outcome = { kind: 'fails', error: storeFailure(fault.reason), when: fault.when };
    }
    return outcome;
  }
}

function storeFailure(reason: keyof typeof FAILURES): Error {
  const code = FAILURES[reason];
  return Object.assign(new Error(`${code}: injected by the fault plan`), { code });
}
