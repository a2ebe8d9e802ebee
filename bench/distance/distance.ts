import { Client, credentials, Server, ServerCredentials } from '@grpc/grpc-js';
import type { MethodDefinition, ServerDuplexStream } from '@grpc/grpc-js';
import { systemClock } from '../../src/base/clock.ts';
import { Front } from '../../src/relay/front/index.ts';
import { DEFAULT_LIMITS } from '../../src/relay/limits.ts';
import { silentLogger } from '../../src/relay/relay-logger.ts';
import { noMetrics } from '../../src/relay/relay-metrics.ts';
import type { Bench, BenchOptions, Figure } from '../bench.ts';
import { median } from '../statistics.ts';
import { startDelayedLine } from './delayed-line.ts';

const ROUND_TRIP_MS = 50;
const FRAME = Buffer.alloc(16 * 1024, 7);
const MEGABYTE = 1_000_000;
/** Enough for some ten round trips even where a whole window goes with each. */
const TRANSFER_BYTES = 8 * MEGABYTE;
const WINDOW_BYTES = 1024 * 1024;

const bytes = (buffer: Buffer): Buffer => buffer;
const pour: MethodDefinition<Buffer, Buffer> = {
  path: '/bench.Water/Pour',
  requestStream: true,
  responseStream: true,
  requestSerialize: bytes,
  requestDeserialize: bytes,
  responseSerialize: bytes,
  responseDeserialize: bytes,
};

/** A server that takes what it gets, and gives as many bytes as it is asked for. */
function waterServer(): Server {
  const server = new Server({ 'grpc.enable_channelz': 0 });
  server.addService(
    { pour },
    {
      pour: (call: ServerDuplexStream<Buffer, Buffer>) => {
        call.once('data', (order: Buffer) => {
          let left = Number(order.toString());
          const give = (): void => {
            for (; left > 0; left -= FRAME.length) if (!call.write(FRAME)) return void call.once('drain', give);
            if (left <= 0) call.end();
          };
          if (left > 0) give();
          else call.on('end', () => call.end());
          call.on('data', () => undefined);
        });
      },
    },
  );
  return server;
}

interface Place {
  readonly port: number;
  close(): Promise<void>;
}

async function relayFront(): Promise<Place> {
  const server = waterServer();
  const context = { limits: DEFAULT_LIMITS, clock: systemClock, logger: silentLogger, metrics: noMetrics };
  const front = new Front({ server, routes: new Map(), tls: undefined }, context);
  const port = await front.listen('127.0.0.1', 0);
  const close = async (): Promise<void> => {
    front.stopAccepting();
    await front.closed(1000);
  };
  return { port, close };
}

async function bareServer(): Promise<Place> {
  const server = waterServer();
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) => {
      if (error === null) resolve(bound);
      else reject(error);
    });
  });
  const close = (): Promise<void> => {
    server.forceShutdown();
    return Promise.resolve();
  };
  return { port, close };
}

/** Megabytes a second from the client's first byte to the server's last word. */
async function transfer(port: number, direction: 'up' | 'down'): Promise<number> {
  const client = new Client(`127.0.0.1:${port}`, credentials.createInsecure(), {
    'grpc-node.flow_control_window': WINDOW_BYTES,
    'grpc.use_local_subchannel_pool': 1,
  });
  await new Promise<void>((resolve, reject) => {
    client.waitForReady(Date.now() + 10_000, (error) => (error === undefined ? resolve() : reject(error)));
  });
  const call = client.makeBidiStreamRequest(pour.path, bytes, bytes);
  let received = 0;
  call.on('data', (chunk: Buffer) => (received += chunk.length));
  const ended = new Promise<void>((resolve, reject) => call.once('end', resolve).once('error', reject));
  const startedMs = performance.now();
  call.write(Buffer.from(direction === 'down' ? String(TRANSFER_BYTES) : '0'));
  if (direction === 'up') {
    for (let sent = 0; sent < TRANSFER_BYTES; sent += FRAME.length) {
      if (!call.write(FRAME)) await new Promise((resolve) => call.once('drain', resolve));
    }
  }
  call.end();
  await ended;
  const seconds = (performance.now() - startedMs) / 1000;
  client.close();
  if (direction === 'down' && received < TRANSFER_BYTES) throw new Error(`${received} bytes came`);
  return TRANSFER_BYTES / MEGABYTE / seconds;
}

async function measure(open: () => Promise<Place>, direction: 'up' | 'down'): Promise<number> {
  const place = await open();
  const line = await startDelayedLine(place.port, ROUND_TRIP_MS);
  try {
    return await transfer(line.port, direction);
  } finally {
    await line.close();
    await place.close();
  }
}

/** What a connection carries over a long line: the windows of HTTP/2 decide, not the machine. */
export const distance: Bench = {
  name: 'distance',
  summary: `one connection over a line with a round trip of ${ROUND_TRIP_MS} ms, beside bare grpc-js`,
  async run({ rounds, say }: BenchOptions): Promise<readonly Figure[]> {
    const figures: Figure[] = [];
    for (const direction of ['up', 'down'] as const) {
      const ours: number[] = [];
      const bare: number[] = [];
      for (let round = 0; round < rounds; round += 1) {
        ours.push(await measure(relayFront, direction));
        bare.push(await measure(bareServer, direction));
        say(`${direction}: relay ${ours.at(-1)?.toFixed(2)} MB/s, bare ${bare.at(-1)?.toFixed(2)} MB/s`);
      }
      const [relay, grpc] = [median(ours), median(bare)];
      figures.push(
        { name: `distance, ${direction}, relay`, value: relay, unit: 'MB/s' },
        { name: `distance, ${direction}, bare grpc-js`, value: grpc, unit: 'MB/s' },
        {
          name: `distance, ${direction}, relay to bare`,
          value: relay / grpc,
          unit: '',
          ...(direction === 'up' ? { goal: '>=5' } : {}),
        },
      );
    }
    return figures;
  },
};
