import { setTimeout as wait } from 'node:timers/promises';
import { onTestFinished } from 'vitest';
import type { NatsServer, NatsServers } from '../../support/nats-server.ts';
import { spawnRelay } from '../support/relay-process.ts';
import type { RelayProcess } from '../support/relay-process.ts';
import { temporaryDirectory } from '../support/temp-dir.ts';

/** Relays as processes over one log, and what may befall them. */
export interface Fleet {
  /** Where clients find them; stays the same when a relay comes back. */
  readonly endpoints: readonly string[];
  readonly faults: readonly Fault[];
}

/** Something bad. `strike` resolves when what was struck serves again. */
export interface Fault {
  readonly name: string;
  strike(): Promise<void>;
}

/** How long something stands still: long enough for clients and engines to notice, or not. */
const FREEZE_MS = [200, 1200, 2500] as const;

/** A relay that comes back on its port whenever it has died. */
export class FleetRelay {
  readonly endpoint: string;
  readonly #args: readonly string[];
  #process: RelayProcess;

  private constructor(process: RelayProcess, endpoint: string, args: readonly string[]) {
    this.#process = process;
    this.endpoint = endpoint;
    this.#args = args;
  }

  static async start(...args: string[]): Promise<FleetRelay> {
    const process = spawnRelay(...args, '--port', '0', '--log-level', 'error');
    return new FleetRelay(process, await process.endpoint, args);
  }

  async end(signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
    this.#process.kill(signal);
    await this.#process.exited;
  }

  async start(): Promise<void> {
    this.#process = spawnRelay(...this.#args, '--port', new URL(this.endpoint).port, '--log-level', 'error');
    await this.#process.endpoint;
  }

  async freeze(forMs: number): Promise<void> {
    this.#process.kill('SIGSTOP');
    await wait(forMs);
    this.#process.kill('SIGCONT');
  }
}

/** What may befall each of the relays. */
export function relayFaults(relays: readonly FleetRelay[]): Fault[] {
  return relays.flatMap((relay, index) => {
    const name = relays.length === 1 ? 'the relay' : `relay ${index + 1}`;
    let freezes = 0;
    return [
      { name: `${name} is killed`, strike: () => relay.end('SIGKILL').then(() => relay.start()) },
      { name: `${name} is told to end`, strike: () => relay.end('SIGTERM').then(() => relay.start()) },
      { name: `${name} stands still`, strike: () => relay.freeze(FREEZE_MS[freezes++ % FREEZE_MS.length] as number) },
    ];
  });
}

/** Two relays over the log of one nats-server, or of three that hold it together. */
export async function natsFleet(cluster: NatsServers, ttlDays = 7): Promise<Fleet> {
  onTestFinished(() => cluster.stop());
  const settings = {
    'engine.nats.servers': cluster.addresses.join(','),
    'engine.nats.replicas': cluster.servers.length,
    'engine.nats.shards': 2,
    'engine.nats.sync_always': true,
    'limits.max_channels': 1000,
    'server.message_ttl_days': ttlDays,
  };
  const set = Object.entries(settings).flatMap(([key, value]) => ['--set', `${key}=${value}`]);
  const args = ['--engine', 'nats', '--insecure-open', ...set];
  const start = async (): Promise<FleetRelay> => FleetRelay.start(...args, '--data-dir', await temporaryDirectory());
  const relays = [await start(), await start()];
  return {
    endpoints: relays.map(({ endpoint }) => endpoint),
    faults: [...relayFaults(relays), ...serverFaults(cluster.servers)],
  };
}

/** What may befall the servers of the log. */
function serverFaults(servers: readonly NatsServer[]): Fault[] {
  return servers.flatMap((server, index) => {
    const name = servers.length === 1 ? 'the nats-server' : `nats-server ${index + 1}`;
    return [
      { name: `${name} is killed`, strike: () => server.kill().then(() => server.start()) },
      {
        name: `${name} stands still`,
        strike: async () => {
          server.pause();
          await wait(FREEZE_MS[index % FREEZE_MS.length]);
          server.resume();
        },
      },
    ];
  });
}

/** One relay with the embedded log. */
export async function sqliteFleet(dataDir: string, ttlDays = 7): Promise<Fleet> {
  const relay = await FleetRelay.start('--data-dir', dataDir, '--set', `server.message_ttl_days=${ttlDays}`);
  return { endpoints: [relay.endpoint], faults: relayFaults([relay]) };
}
