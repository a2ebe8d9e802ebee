import { monitorEventLoopDelay } from 'node:perf_hooks';
import { startRelay } from '../../../src/relay/index.ts';
import type { EngineOptions, Relay, RelayLoad } from '../../../src/relay/index.ts';
import { serve } from '../../serve.ts';

/** Where a relay keeps its log. */
interface RelayHome {
  readonly dataDir: string;
  /** `host:port` of a server with JetStream that flushes before it acknowledges. */
  readonly natsServer?: string;
}

let relay: Relay | undefined;
const loopDelay = monitorEventLoopDelay({ resolution: 1 });

function opened(): Relay {
  if (relay === undefined) throw new Error('there is no relay yet');
  return relay;
}

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
  /** Starts a relay on a free port, on SQLite if no nats-server is named; returns `host:port`. */
  async open({ dataDir, natsServer }: RelayHome): Promise<string> {
    const engine: EngineOptions =
      natsServer === undefined
        ? { kind: 'sqlite' }
        : { kind: 'nats', servers: natsServer, replicas: 1, isSyncAlways: true };
    relay = await startRelay({ dataDir, engine, port: 0, limits });
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
