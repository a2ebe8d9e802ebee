import { monitorEventLoopDelay } from 'node:perf_hooks';
import { startRelay } from '../../../src/relay/index.ts';
import type { EngineOptions, Relay, RelayLoad } from '../../../src/relay/index.ts';
import { serve } from '../../serve.ts';

/** Where a relay keeps its log. */
export interface RelayHome {
  readonly dataDir: string;
  /** `host:port` of a server with JetStream that flushes before it acknowledges. */
  readonly natsServer?: string;
  /** Nowhere but in the memory of the process: what durability costs is missing. */
  readonly isInMemory?: boolean;
}

let relay: Relay | undefined;
const loopDelay = monitorEventLoopDelay({ resolution: 1 });

function opened(): Relay {
  if (relay === undefined) throw new Error('there is no relay yet');
  return relay;
}

function engineFor({ natsServer, isInMemory = false }: RelayHome): EngineOptions {
  if (natsServer !== undefined) return { kind: 'nats', servers: natsServer, replicas: 1, isSyncAlways: true };
  return isInMemory ? { kind: 'memory', maxBytes: MAX_MEMORY_BYTES } : { kind: 'sqlite' };
}

/** More than a bench stores. */
const MAX_MEMORY_BYTES = 2 ** 31;

/** Limits that keep a client of a bench from being taken for a flood, or for one that is stuck. */
const limits = {
  maxConnections: 20_000,
  maxChannels: 100_000,
  maxSubscriptions: 20_000,
  messagesPerSecond: 1_000_000_000,
  accountMessagesPerSecond: 1_000_000_000,
  stuckReaderMs: 3_600_000,
};

const calls = {
  /** Starts a relay on a free port, on SQLite if nothing else is named; returns `host:port`. */
  async open(home: RelayHome): Promise<string> {
    relay = await startRelay({ dataDir: home.dataDir, engine: engineFor(home), port: 0, limits });
    return `127.0.0.1:${relay.port}`;
  },

  load(): RelayLoad {
    return opened().load();
  },

  /** Resident memory, in bytes: what sessions of HTTP/2 and the database hold outside of the heap shows only here. */
  residentBytes(): number {
    globalThis.gc?.();
    return process.memoryUsage.rss();
  },

  /** The longest that the event loop was kept from turning since the last call, in ms. */
  longestTurnMs(): number {
    const longest = loopDelay.max / 1e6;
    loopDelay.disable();
    loopDelay.reset();
    loopDelay.enable();
    return longest;
  },
};

/** What the relay's process can be asked for. */
export type RelayCalls = typeof calls;

serve(calls, async () => relay?.close());
