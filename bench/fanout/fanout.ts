import { join } from 'node:path';
import type { Bench, Figure } from '../bench.ts';
import { compile } from '../compile.ts';
import { Launcher } from '../program.ts';
import { duel } from '../relay/duel.ts';
import { Lane } from '../relay/lane.ts';
import { measureCrowd } from './crowd.ts';
import { measureStalled } from './stalled.ts';

const SUBSCRIBERS = 50;
const TRAFFIC = { batch: 32, payloadBytes: 1024, subscribers: SUBSCRIBERS };

const SCENARIOS = ['stream', 'stalled', 'crowd'];

/** One publisher, many subscribers. */
export const fanout: Bench = {
  name: 'fanout',
  summary: '1 → 50 against bare grpc-js, with a subscriber that does not read, and 1 → 10,000',
  async run({ rounds, messages, cpuProf, only = '', say }) {
    if (!SCENARIOS.some((name) => name.includes(only))) {
      throw new Error(`Expected \`--only\` to be part of: ${SCENARIOS.join('; ')}.`);
    }
    const programs = join(await compile(), 'relay/programs');
    const launcher = new Launcher(programs, cpuProf);
    const figures: Figure[] = [];
    try {
      const relayed = await Lane.open(launcher, 'relay', TRAFFIC);
      if ('stream'.includes(only)) {
        const bare = await Lane.open(launcher, 'bare', TRAFFIC);
        const title = `1 → ${SUBSCRIBERS}, 1 KiB`;
        figures.push(...(await duel(relayed, bare, { title, rounds, messages, goal: '>=0.5', say })));
        await bare.close();
      }
      if ('stalled'.includes(only)) figures.push(...(await measureStalled(launcher, relayed, rounds, messages, say)));
      await relayed.close();
      if ('crowd'.includes(only)) figures.push(...(await measureCrowd(launcher, say)));
    } finally {
      await launcher.stop();
    }
    return figures;
  },
};
