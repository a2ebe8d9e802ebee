import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { filter, firstValueFrom, type Observable, type Subscription, timeout } from 'rxjs';
import {
  type Channel,
  type ChannelFault,
  type ChannelMessage,
  type ChannelStatus,
  type ClientChannel,
  createMemoryRelay,
  type MemoryRelay,
  SkytaleClient,
  type SkytaleClientOptions,
} from '../../src/index.ts';

export const CHANNEL = 'acme/research/summarizer';
const PATIENCE_MS = 10_000;

export const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
export const text = (payload: Uint8Array): string => new TextDecoder().decode(payload);

/** Agents on the in-memory twin with real MLS and real data directories. Everything is closed and removed at the end. */
export class Swarm implements AsyncDisposable {
  readonly relay: MemoryRelay;
  readonly #root: string;
  readonly #clients: SkytaleClient[] = [];

  private constructor(root: string, relay: MemoryRelay) {
    this.#root = root;
    this.relay = relay;
  }

  static async create(relay: MemoryRelay = createMemoryRelay()): Promise<Swarm> {
    return new Swarm(await mkdtemp(join(tmpdir(), 'skytale-swarm-')), relay);
  }

  /** Where the agent of this name keeps its state. */
  dataDir(name: string): string {
    return join(this.#root, name);
  }

  /** The agent of this name, on a data directory of its own (or on the one of `dataDir`). */
  agent(name: string, { dataDir = name, ...options }: SkytaleClientOptions & { dataDir?: string } = {}): SkytaleClient {
    const client = new SkytaleClient('http://127.0.0.1:1', this.dataDir(dataDir), bytes(name), {
      transport: this.relay.connect(),
      ...options,
    });
    this.#clients.push(client);
    return client;
  }

  /** What a process that dies now would leave behind of an agent: its directory as it is, under another name. */
  async crashImage(name: string, image: string): Promise<void> {
    await cp(this.dataDir(name), this.dataDir(image), { recursive: true });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.allSettled(this.#clients.map((client) => client.close()));
    await rm(this.#root, { recursive: true, force: true });
  }
}

/** `alice` makes the channel and adds the others, all in one commit each. Returns their channels by name. */
export async function channelOf<Name extends string>(
  swarm: Swarm,
  ...names: readonly Name[]
): Promise<Record<Name, ClientChannel>> {
  const [first, ...others] = names;
  if (first === undefined) throw new Error('a channel needs somebody');
  const founder = await swarm.agent(first).createChannel(CHANNEL);
  const channels = [[first, founder] as const];
  for (const name of others) channels.push([name, await invite(founder, swarm.agent(name))]);
  return Object.fromEntries(channels) as Record<Name, ClientChannel>;
}

/** A member adds an agent, which joins. */
export async function invite(member: ClientChannel, agent: SkytaleClient): Promise<ClientChannel> {
  const welcome = await member.addMember(await agent.generateKeyPackage());
  return agent.joinChannel(member.name, welcome);
}

/** Waits until the channel has this status. */
export async function reaches(channel: Channel, status: ChannelStatus): Promise<void> {
  await firstValueFrom(
    channel.status$.pipe(
      filter((current) => current === status),
      timeout(PATIENCE_MS),
    ),
  );
}

/** Waits for the first value that fits. Subscribe before you cause it. */
export function next<T, S extends T>(source$: Observable<T>, isWanted: (value: T) => value is S): Promise<S>;
export function next<T>(source$: Observable<T>, isWanted?: (value: T) => boolean): Promise<T>;
export function next<T>(source$: Observable<T>, isWanted: (value: T) => boolean = () => true): Promise<T> {
  return firstValueFrom(source$.pipe(filter(isWanted), timeout(PATIENCE_MS)));
}

/** Everything that an Observable emits from now on, and a way to wait until it is enough. */
export class Recorder<T> {
  readonly values: T[] = [];
  isComplete = false;
  #check: (() => void) | undefined;
  readonly #subscription: Subscription;

  constructor(source$: Observable<T>) {
    this.#subscription = source$.subscribe({
      next: (value) => {
        this.values.push(value);
        this.#check?.();
      },
      complete: () => {
        this.isComplete = true;
        this.#check?.();
      },
    });
  }

  /** Listens no longer. */
  stop(): void {
    this.#subscription.unsubscribe();
  }

  /** Waits until `isEnough` holds, by default until there are `count` values. */
  async until(isEnough: number | ((values: readonly T[]) => boolean)): Promise<readonly T[]> {
    const holds = (): boolean =>
      typeof isEnough === 'number' ? this.values.length >= isEnough : isEnough(this.values);
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(
        () => reject(new Error(`after ${PATIENCE_MS} ms there are only ${this.values.length} values`)),
        PATIENCE_MS,
      );
      this.#check = () => {
        if (!holds()) return;
        clearTimeout(timer);
        this.#check = undefined;
        resolve();
      };
      this.#check();
    });
    return this.values;
  }
}

export const textOf = ({ payload }: ChannelMessage): string => text(payload);

export function isFault<Kind extends ChannelFault['kind']>(
  kind: Kind,
): (fault: ChannelFault) => fault is Extract<ChannelFault, { kind: Kind }> {
  return (fault): fault is Extract<ChannelFault, { kind: Kind }> => fault.kind === kind;
}
