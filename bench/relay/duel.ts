import type { Figure } from '../bench.ts';
import { median } from '../statistics.ts';
import { describeBurst } from './lane.ts';
import type { Burst, Lane } from './lane.ts';

/** Bursts of the relay and of its yardstick, in turn: on a machine that others use too, only neighbours compare. */
export interface DuelOptions {
  /** What the figures are called after. */
  readonly title: string;
  readonly rounds: number;
  readonly messages: number;
  /** What the ratio has to reach, if anything. */
  readonly goal?: string;
  readonly say: (line: string) => void;
}

/** Bursts before the first round, until the compilers have done their work. */
const WARM_UP_BURSTS = 2;

/** How fast the relay is beside bare grpc-js. */
export async function duel(relay: Lane, bare: Lane, options: DuelOptions): Promise<readonly Figure[]> {
  const { title, rounds, messages, goal, say } = options;
  for (let burst = 0; burst < WARM_UP_BURSTS; burst += 1) {
    await bare.burst(messages);
    await relay.burst(messages);
  }
  const results: { readonly relay: Burst; readonly bare: Burst; readonly ratio: number }[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const before = await bare.burst(messages);
    const burst = await relay.burst(messages);
    const after = await bare.burst(messages);
    // The yardstick from both sides of the burst, so that a machine that changes its speed does not choose the winner.
    const yardstick = 2 / (1 / before.perSecond + 1 / after.perSecond);
    say(describeBurst(`relay, ${title}`, burst));
    say(describeBurst(`bare grpc-js, ${title}`, after));
    results.push({ relay: burst, bare: after, ratio: burst.perSecond / yardstick });
  }
  const middle = (pick: (result: (typeof results)[number]) => number): number => median(results.map(pick));
  return [
    { name: `throughput, ${title}`, value: middle((result) => result.relay.perSecond), unit: 'msg/s' },
    { name: `throughput of bare grpc-js, ${title}`, value: middle((result) => result.bare.perSecond), unit: 'msg/s' },
    {
      name: `throughput / bare grpc-js, ${title}`,
      value: middle(({ ratio }) => ratio),
      unit: '',
      ...(goal === undefined ? {} : { goal }),
    },
    { name: `CPU of the relay, ${title}`, value: middle((result) => result.relay.cpuMicros.server), unit: 'µs/msg' },
    {
      name: `CPU of the bare server, ${title}`,
      value: middle((result) => result.bare.cpuMicros.server),
      unit: 'µs/msg',
    },
  ];
}
