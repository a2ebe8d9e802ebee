import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  createMemoryRelay,
  type ManagerFault,
  type MemoryRelay,
  SkytaleChannelManager,
  type SkytaleChannelManagerOptions,
} from '../../src/index.ts';
import { CHANNEL, Recorder } from './swarm.ts';

/** Managers on a relay in memory with real MLS and real data directories. Everything is closed and removed at the end. */
export class ManagedSwarm implements AsyncDisposable {
  readonly relay: MemoryRelay;
  readonly #root: string;
  readonly #managers: SkytaleChannelManager[] = [];

  private constructor(root: string, relay: MemoryRelay) {
    this.#root = root;
    this.relay = relay;
  }

  static async create(relay: MemoryRelay = createMemoryRelay()): Promise<ManagedSwarm> {
    return new ManagedSwarm(await mkdtemp(join(tmpdir(), 'skytale-managers-')), relay);
  }

  /** Where the agent of this name keeps its state. */
  dataDir(name: string): string {
    return join(this.#root, name);
  }

  /** A manager for the agent of this name. Its faults are kept, so that none of them is warned of. */
  manager(name: string, options: SkytaleChannelManagerOptions = {}): Managed {
    const manager = new SkytaleChannelManager({
      identity: name,
      dataDir: this.dataDir(name),
      transport: this.relay.connect(),
      ...options,
    });
    this.#managers.push(manager);
    return { manager, faults: new Recorder(manager.faults$) };
  }

  /** What a process that dies now would leave behind of an agent: its directory as it is, under another name. */
  async crashImage(name: string, image: string): Promise<void> {
    await cp(this.dataDir(name), this.dataDir(image), { recursive: true });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.allSettled(this.#managers.map((manager) => manager.close()));
    await rm(this.#root, { recursive: true, force: true });
  }
}

/** A manager, with what it had to tell. */
export interface Managed {
  readonly manager: SkytaleChannelManager;
  readonly faults: Recorder<ManagerFault>;
}

/** The first makes the channel and adds the second. */
export async function introduce(host: Managed, guest: Managed, channel: string = CHANNEL): Promise<void> {
  await host.manager.create(channel);
  const welcome = await host.manager.addMember(channel, await guest.manager.keyPackage());
  await guest.manager.join(channel, welcome);
}
