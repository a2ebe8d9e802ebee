import { mkdtemp, rm } from 'node:fs/promises';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { createAgentKeys, createKeyPackage, createMlsEngine } from '../../src/mls/index.ts';
import type { Launcher, Program } from '../program.ts';
import type { ReadingMode, ReceiverCalls, Arrival } from './programs/receiver.ts';
import type { RelayCalls } from './programs/relay.ts';
import type { SenderCalls } from './programs/sender.ts';

/** A group of `members` in which one sends and one reads; the others exist as members and do not run. */
export interface Scenario {
  readonly members: number;
  readonly mode: ReadingMode;
}

/** The three processes, by their part. */
export const PARTS = ['sender', 'relay', 'receiver'] as const;
/** The part of a process. */
export type Part = (typeof PARTS)[number];

/** What a run of messages from the sender to the receiver's reader took. */
export interface Run extends Arrival {
  /** From the first `send` to the last message in the reader's hands. */
  readonly elapsedMs: number;
  /** CPU time of each process for each message. */
  readonly cpuMicros: Readonly<Record<Part, number>>;
  /** Part of the machine's CPU time that went to anything but the three, 0 to 1. */
  readonly foreignLoad: number;
}

const CHANNEL = 'bench/e2e/stream';

/** Sender, relay and receiver as processes of their own, with their data on disk, and the way between them. */
export class Network {
  readonly programs: {
    readonly sender: Program<SenderCalls>;
    readonly relay: Program<RelayCalls>;
    readonly receiver: Program<ReceiverCalls>;
  };
  readonly #directory: string;

  private constructor(launcher: Launcher, label: string, directory: string) {
    this.#directory = directory;
    this.programs = {
      relay: launcher.start<RelayCalls>('relay', label),
      sender: launcher.start<SenderCalls>('sender', label),
      receiver: launcher.start<ReceiverCalls>('receiver', label),
    };
  }

  /** Starts the processes in fresh directories, and makes the group. */
  static async start(launcher: Launcher, label: string, { members, mode }: Scenario): Promise<Network> {
    const directory = await mkdtemp(join(tmpdir(), 'skytale-bench-'));
    const network = new Network(launcher, label, directory);
    const { relay, sender, receiver } = network.programs;
    const endpoint = await relay.call('open', { dataDir: join(directory, 'relay') });
    await sender.call('open', { endpoint, dataDir: join(directory, 'sender'), name: CHANNEL });
    const keyPackage = await receiver.call('open', { endpoint, dataDir: join(directory, 'receiver') });
    const welcome = await sender.call('add', [keyPackage, ...(await idleKeyPackages(members - 2))]);
    await receiver.call('join', { name: CHANNEL, welcome, mode });
    return network;
  }

  /** Sends as fast as the channel takes. */
  saturate(messages: number): Promise<Run> {
    return this.#run(messages, () => this.programs.sender.call('saturate', messages));
  }

  /** Sends at a steady rate. */
  pace(messages: number, perSecond: number): Promise<Run> {
    return this.#run(messages, () => this.programs.sender.call('pace', { messages, perSecond }));
  }

  /** Deletes the data. After the processes have ended. */
  async clean(): Promise<void> {
    await rm(this.#directory, { recursive: true, force: true });
  }

  async #run(messages: number, send: () => Promise<{ readonly startedAtMs: number }>): Promise<Run> {
    await this.programs.receiver.call('expect', messages);
    const before = await this.#cpuMicros();
    const machine = machineMicros();
    const [{ startedAtMs }, arrival] = await Promise.all([send(), this.programs.receiver.call('arrival')]);
    const after = await this.#cpuMicros();
    const used = { sender: 0, relay: 0, receiver: 0 };
    for (const part of PARTS) used[part] = after[part] - before[part];
    const { busy, total } = machineMicros();
    return {
      ...arrival,
      elapsedMs: arrival.endedAtMs - startedAtMs,
      cpuMicros: {
        sender: used.sender / messages,
        relay: used.relay / messages,
        receiver: used.receiver / messages,
      },
      foreignLoad:
        Math.max(0, busy - machine.busy - used.sender - used.relay - used.receiver) / (total - machine.total),
    };
  }

  async #cpuMicros(): Promise<Record<Part, number>> {
    const [sender, relay, receiver] = await Promise.all(PARTS.map((part) => this.programs[part].usage()));
    return {
      sender: sender?.cpuMicros ?? 0,
      relay: relay?.cpuMicros ?? 0,
      receiver: receiver?.cpuMicros ?? 0,
    };
  }
}

/** CPU time of all cores since the machine started: spent by any process, and in all. */
function machineMicros(): { readonly busy: number; readonly total: number } {
  let busy = 0;
  let idle = 0;
  for (const { times } of cpus()) {
    busy += (times.user + times.nice + times.sys + times.irq) * 1000;
    idle += times.idle * 1000;
  }
  return { busy, total: busy + idle };
}

/** Key packages of agents that will never run. */
async function idleKeyPackages(agents: number): Promise<readonly Uint8Array[]> {
  const engine = await createMlsEngine();
  const bundles = Array.from({ length: agents }, async (_, index) => {
    const keys = await createAgentKeys(engine, new TextEncoder().encode(`idle ${index}`));
    return createKeyPackage(engine, keys, Date.now());
  });
  return (await Promise.all(bundles)).map(({ keyPackage }) => keyPackage);
}
