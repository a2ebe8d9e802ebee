import { join } from 'node:path';
import type { Bench, Figure } from '../bench.ts';
import { compile } from '../compile.ts';
import { Launcher } from '../program.ts';
import { measureCommits } from './commits.ts';
import { duel } from './duel.ts';
import { measureIdle } from './idle.ts';
import { measureJetStream } from './jetstream.ts';
import { Lane } from './lane.ts';
import { Relay } from './relay-home.ts';

/** What an agent's client sends in one frame when it is busy. */
const TRAFFIC = { batch: 32, payloadBytes: 1024, subscribers: 1 };
/** A message costs the relay a hundredth of what it costs an agent, so bursts are longer. */
const BURSTS = 12;

/** Of the relay that keeps its log in memory, where bursts stay. */
const BURSTS_IN_MEMORY = 4;

const SCENARIOS = ['stream', 'memory', 'commits', 'nats', 'idle'];

/** The relay alone: clients that encrypt nothing, so that all that is measured is append, disk and delivery. */
export const relay: Bench = {
  name: 'relay',
  summary:
    'publish → stored on disk → delivered, 1 KiB, against bare grpc-js; the same with the log in memory; commits against unary calls; JetStream; idle cost',
  async run({ rounds, messages: wanted, cpuProf, only = '', say }) {
    const messages = Math.ceil(wanted / TRAFFIC.batch) * TRAFFIC.batch; // whole frames
    if (!SCENARIOS.some((name) => name.includes(only))) {
      throw new Error(`Expected \`--only\` to be part of: ${SCENARIOS.join('; ')}.`);
    }
    const programs = join(await compile(), 'relay/programs');
    const launcher = new Launcher(programs, cpuProf);
    const figures: Figure[] = [];
    try {
      const lanes = [await Lane.open(launcher, 'relay', TRAFFIC), await Lane.open(launcher, 'bare', TRAFFIC)] as const;
      const [relayed, bare] = lanes;
      if ('stream'.includes(only)) {
        const title = '1 → 1, 1 KiB';
        figures.push(...(await duel(...lanes, { title, rounds, messages: messages * BURSTS, goal: '>=0.5', say })));
      }
      if ('memory'.includes(only)) {
        const relay = await Relay.open(launcher, 'memory', { isInMemory: true });
        const lane = await Lane.between(launcher, [relay], TRAFFIC);
        const title = '1 → 1, 1 KiB, log in memory';
        figures.push(...(await duel(lane, bare, { title, rounds, messages: messages * BURSTS_IN_MEMORY, say })));
        await lane.close();
        await relay.close();
      }
      if ('commits'.includes(only)) {
        const at = { relay: relayed.address, bare: bare.address };
        figures.push(...(await measureCommits(launcher, at, rounds, say)));
      }
      await relayed.close();
      if ('nats'.includes(only)) figures.push(...(await measureJetStream(launcher, rounds, messages, say)));
      if ('idle'.includes(only)) figures.push(...(await measureIdle(launcher, say)));
    } finally {
      await launcher.stop();
    }
    return figures;
  },
};
