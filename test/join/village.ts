import { filter, firstValueFrom, type Observable, timeout } from 'rxjs';
import {
  type Channel,
  type ClientChannel,
  type ControlPlane,
  createMemoryControlPlane,
  createMemoryRelay,
  type JoinStep,
  type MemoryControlPlane,
  type MemoryRelay,
  type SkytaleClient,
  type SkytaleClientOptions,
} from '../../src/index.ts';
import { CHANNEL, Swarm, text } from '../support/swarm.ts';
import { SwiftClock } from './swift-clock.ts';

const PATIENCE_MS = 15_000;

/** Agents, a relay and a control plane in one process: real MLS, real data directories, and a clock that hurries. */
export class Village implements AsyncDisposable {
  readonly swarm: Swarm;
  readonly relay: MemoryRelay;
  readonly controlPlane: MemoryControlPlane;
  readonly clock: SwiftClock;

  private constructor(swarm: Swarm, controlPlane: MemoryControlPlane, clock: SwiftClock) {
    this.swarm = swarm;
    this.relay = swarm.relay;
    this.controlPlane = controlPlane;
    this.clock = clock;
  }

  static async create(clock: SwiftClock = new SwiftClock()): Promise<Village> {
    const relay = createMemoryRelay({ clock });
    const controlPlane = createMemoryControlPlane({ relay, clock });
    return new Village(await Swarm.create(relay), controlPlane, clock);
  }

  /** The agent of this name, on an account of its own. */
  agent(name: string, options: SkytaleClientOptions & { dataDir?: string } = {}): SkytaleClient {
    return this.swarm.agent(name, {
      transport: this.relay.connect(`of ${name}`),
      controlPlane: this.account(name),
      clock: this.clock,
      ...options,
    });
  }

  /** What the account of an agent sees of the control plane. */
  account(name: string): ControlPlane {
    return this.controlPlane.connect(`of ${name}`);
  }

  /** The channel of an agent that makes it, online. */
  async founded(name: string, options: SkytaleClientOptions = {}): Promise<ClientChannel> {
    const channel = await this.agent(name, options).createChannel(CHANNEL);
    channel.channel$.connect();
    return channel;
  }

  /** An agent that has joined by a token, online. */
  async joined(name: string, token: string, options: SkytaleClientOptions = {}): Promise<ClientChannel> {
    const channel = await this.agent(name, options).joinWithToken(CHANNEL, token, { timeoutMs: 600_000 });
    channel.channel$.connect();
    return channel;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.swarm[Symbol.asyncDispose]();
    this.controlPlane.close();
  }
}

/** A control plane that is the same but for these methods. */
export function tampered(inner: ControlPlane, changed: Partial<ControlPlane>): ControlPlane {
  return new Proxy(inner, {
    get: (target, name: keyof ControlPlane) => changed[name] ?? target[name].bind(target),
  });
}

/** Who is in, by name. */
export function membersOf({ channel$ }: ClientChannel): readonly string[] {
  return channel$.state$.value.members.map(({ identity }) => text(identity)).sort();
}

/** Waits until exactly these are in. */
export async function has({ channel$ }: ClientChannel, ...names: readonly string[]): Promise<void> {
  const wanted = [...names].sort().join();
  await until(
    channel$.state$,
    ({ members }) =>
      members
        .map(({ identity }) => text(identity))
        .sort()
        .join() === wanted,
  );
}

/** Waits for the first value that fits. */
export function until<T, S extends T>(source$: Observable<T>, isWanted: (value: T) => value is S): Promise<S>;
export function until<T>(source$: Observable<T>, isWanted: (value: T) => boolean): Promise<T>;
export function until<T>(source$: Observable<T>, isWanted: (value: T) => boolean): Promise<T> {
  return firstValueFrom(source$.pipe(filter(isWanted), timeout(PATIENCE_MS)));
}

/** The steps of an attempt to join, as they come, and how it ended. */
export class Watch {
  readonly kinds: string[] = [];
  /** The channel, or the error. Never rejects. */
  readonly end: Promise<ClientChannel | { readonly code?: string; readonly message: string }>;
  readonly #check = new Set<() => void>();

  constructor(steps$: Observable<JoinStep>) {
    this.end = new Promise((resolve) => {
      steps$.subscribe({
        next: (step) => {
          this.kinds.push(step.kind);
          for (const check of this.#check) check();
          if (step.kind === 'joined') resolve(step.channel);
        },
        error: (error: unknown) => resolve(error as Error),
      });
    });
  }

  /** What the error says in the end. */
  async complaint(): Promise<string> {
    const end = await this.end;
    return 'message' in end ? end.message : 'there was no error';
  }

  /** Waits for a step of this kind. */
  reaches(kind: JoinStep['kind']): Promise<void> {
    return new Promise((resolve) => {
      const check = (): void => {
        if (!this.kinds.includes(kind)) return;
        this.#check.delete(check);
        resolve();
      };
      this.#check.add(check);
      check();
    });
  }
}

/** The epoch, as the channel shows it. */
export const epochOf = ({ channel$ }: { readonly channel$: Channel }): bigint => channel$.state$.value.epoch;
