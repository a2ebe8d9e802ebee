import { join } from 'node:path';
import type { Bench } from '../bench.ts';
import { compile } from '../compile.ts';
import { Launcher } from '../program.ts';
import { describeBurst, Lane } from '../relay/lane.ts';
import type { SubscribersCalls } from '../relay/programs/subscribers.ts';
import { CHANNEL } from '../relay/relay-home.ts';
import { median } from '../statistics.ts';

const TRAFFIC = { batch: 32, payloadBytes: 1024, subscribers: 1 };
const MESSAGES = 100_000;
/** The first burst and the first catch-up warm up and are not counted. */
const WARM_UP_ROUNDS = 1;

/** A reader who was away: how fast it gets what is in the log, beside how fast the log was written and delivered. */
export const catchup: Bench = {
  name: 'catchup',
  summary: 'a reader catches up on 100,000 messages of 1 KiB, against the live rate of the same run',
  async run({ rounds, cpuProf, say }) {
    const launcher = new Launcher(join(await compile(), 'relay/programs'), cpuProf);
    const results: { readonly live: number; readonly catchUp: number }[] = [];
    try {
      const lane = await Lane.open(launcher, 'relay', TRAFFIC);
      for (let round = 0; round < WARM_UP_ROUNDS + rounds; round += 1) {
        const burst = await lane.burst(MESSAGES);
        const catchUp = await readLast(launcher, lane, MESSAGES * (round + 1));
        say(describeBurst('live', burst));
        say(`catch-up: ${catchUp.toFixed(0)} msg/s`);
        if (round >= WARM_UP_ROUNDS) results.push({ live: burst.perSecond, catchUp });
      }
      await lane.close();
    } finally {
      await launcher.stop();
    }
    const middle = (pick: (result: (typeof results)[number]) => number): number => median(results.map(pick));
    return [
      { name: 'live rate', value: middle(({ live }) => live), unit: 'msg/s' },
      { name: 'catch-up', value: middle(({ catchUp }) => catchUp), unit: 'msg/s' },
      { name: 'catch-up / live rate', value: middle(({ catchUp, live }) => catchUp / live), unit: '', goal: '>=3' },
    ];
  },
};

/** The rate at which a reader gets the last {@link MESSAGES} of a log that ends at `headSeq`. */
async function readLast(launcher: Launcher, lane: Lane, headSeq: number): Promise<number> {
  const reader = launcher.start<SubscribersCalls>('subscribers', 'reader');
  const place = { address: lane.address, channel: CHANNEL, connections: 1, afterSeq: headSeq - MESSAGES };
  // Twice in one process, the second time counts: a reader that has just started compiles more than it reads.
  await reader.call('expect', MESSAGES);
  await reader.call('open', place);
  await reader.call('arrival');
  await reader.call('disconnect');
  await reader.call('expect', MESSAGES);
  const subscribedAtMs = await reader.call('open', place);
  const endedAtMs = await reader.call('arrival');
  await reader.stop();
  return (MESSAGES * 1000) / (endedAtMs - subscribedAtMs);
}
