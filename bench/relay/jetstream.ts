import type { Figure } from '../bench.ts';
import type { Launcher } from '../program.ts';
import { median, quantile } from '../statistics.ts';
import { describeBurst, Lane } from './lane.ts';
import type { Burst } from './lane.ts';
import { findNatsServer, NatsServer } from './nats-server.ts';
import { Relay } from './relay-home.ts';

/** What an agent's client sends in one frame when it is busy, and when it is not. */
const BUSY = { batch: 32, payloadBytes: 1024, subscribers: 1 };
const QUIET = { ...BUSY, batch: 1, channel: 'bench/relay/quiet' };
/** Messages one after the other, each delivered before the next is sent. */
const TRIPS = 200;

/** How the relays are called that a message passes, and the ways through them. */
interface Way {
  readonly title: string;
  readonly busy: Lane;
  readonly quiet: Lane;
  readonly bursts: Burst[];
  readonly p50s: number[];
}

/**
 * Two relays over one log on JetStream, published to one and read from the other, beside one relay on SQLite. Without a
 * nats-server there are no figures, and the reason is said.
 */
export async function measureJetStream(
  launcher: Launcher,
  rounds: number,
  messages: number,
  say: (line: string) => void,
): Promise<readonly Figure[]> {
  const program = findNatsServer();
  if (program === undefined) {
    say('two relays over JetStream: left out, there is no nats-server in $NATS_SERVER, .cache/nats-server or the path');
    return [];
  }
  const server = await NatsServer.start(program);
  // Closed from the end on: the clients, to which it is an error when a relay goes, then relays, then what these need.
  const opened: { close(): Promise<void> }[] = [{ close: () => server.stop() }];
  const open = async (label: string, natsServer?: string): Promise<Relay> => {
    const relay = await Relay.open(launcher, label, natsServer === undefined ? {} : { natsServer });
    opened.push(relay);
    return relay;
  };
  try {
    const ways = [
      await openWay(launcher, 'two relays over JetStream', [
        await open('jetstream 0', server.address),
        await open('jetstream 1', server.address),
      ]),
      await openWay(launcher, 'one relay on SQLite', [await open('sqlite')]),
    ];
    for (const { busy, quiet } of ways) {
      opened.push(busy, quiet);
      await busy.burst(messages);
      await trips(quiet);
    }
    for (let round = 0; round < rounds; round += 1) {
      for (const way of ways) {
        const burst = await way.busy.burst(messages);
        const p50 = quantile(await trips(way.quiet), 0.5);
        way.bursts.push(burst);
        way.p50s.push(p50);
        say(`${describeBurst(way.title, burst)}; p50 ${p50.toFixed(2)} ms`);
      }
    }
    return ways.flatMap(figuresOf);
  } finally {
    for (const each of opened.reverse()) await each.close();
  }
}

async function openWay(launcher: Launcher, title: string, relays: readonly [Relay, Relay?]): Promise<Way> {
  const busy = await Lane.between(launcher, relays, BUSY);
  const quiet = await Lane.between(launcher, relays, QUIET);
  return { title, busy, quiet, bursts: [], p50s: [] };
}

/** How long single messages took, in ms, from the publisher's hand to the subscriber. */
async function trips(lane: Lane): Promise<number[]> {
  const elapsedMs: number[] = [];
  for (let trip = 0; trip < TRIPS; trip += 1) elapsedMs.push(await lane.elapsedMs(1));
  return elapsedMs;
}

function figuresOf({ title, bursts, p50s }: Way): Figure[] {
  return [
    { name: `throughput, ${title}`, value: median(bursts.map(({ perSecond }) => perSecond)), unit: 'msg/s' },
    { name: `publish to delivery p50, ${title}`, value: median(p50s), unit: 'ms' },
  ];
}
