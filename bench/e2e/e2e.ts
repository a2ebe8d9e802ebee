import { join } from 'node:path';
import type { Bench, BenchOptions, Figure } from '../bench.ts';
import { compile } from '../compile.ts';
import { Launcher } from '../program.ts';
import { median, quantile } from '../statistics.ts';
import { type CryptoAlone, CryptoYardstick } from './crypto-alone.ts';
import { measureHeap } from './heap.ts';
import { Network, PARTS, type Run, type Scenario } from './network.ts';

/** The first is the one that the goals are about. */
const SCENARIOS: readonly Scenario[] = [
  { members: 2, mode: 'channel$' },
  { members: 2, mode: 'consume' },
  { members: 10, mode: 'channel$' },
];

const HEAP_MESSAGES = 200_000;
const HEAP_SAMPLE_MESSAGES = 25_000;
/** Long enough that fewer than one message in a hundred of it meets a compilation. */
const WARM_UP_BURSTS = 2;
const PACE_PER_SECOND = 100;
const PACED_MESSAGES = 600;

/** One burst, one steady run, and the yardstick, close to each other in time. */
interface Round {
  readonly crypto: CryptoAlone;
  readonly burst: Run;
  readonly perSecond: number;
  readonly steady: Run;
}

/** From the sender's `send` to the receiver's handler: three processes, real disk, real gRPC on 127.0.0.1, 1 KiB. */
export const e2e: Bench = {
  name: 'e2e',
  summary: 'sender → relay → receiver, durable on both sides: throughput, latency, CPU, heap, against crypto alone',
  async run(options) {
    const { say } = options;
    const wanted = SCENARIOS.filter((scenario) => titleOf(scenario).includes(options.only ?? ''));
    if (wanted.length === 0)
      throw new Error(`Expected \`--only\` to be part of: ${SCENARIOS.map(titleOf).join('; ')}.`);
    const programs = join(await compile(), 'e2e/programs');
    say(`medians of ${options.rounds} rounds; each: crypto alone, a burst of ${options.messages}, a steady run`);
    const figures: Figure[] = [];
    for (const scenario of wanted) figures.push(...(await measure(scenario, programs, options)));
    return figures;
  },
};

async function measure(scenario: Scenario, programs: string, options: BenchOptions): Promise<readonly Figure[]> {
  const { rounds, messages, heap, say } = options;
  const title = titleOf(scenario);
  const launcher = new Launcher(programs, options.cpuProf);
  let network: Network | undefined;
  try {
    network = await Network.start(launcher, title, scenario);
    const yardstick = await CryptoYardstick.start(launcher, scenario.members);
    for (let burst = 0; burst < WARM_UP_BURSTS; burst += 1) await network.saturate(messages);
    const results: Round[] = [];
    while (results.length < rounds) {
      const round = await takeRound(network, yardstick, messages);
      say(describeRound(title, round));
      results.push(round);
    }
    const isReference = scenario === SCENARIOS[0];
    const figures = figuresOf(title, results, isReference);
    if (!isReference) return figures;
    const watched = heap ? HEAP_MESSAGES : HEAP_SAMPLE_MESSAGES;
    return [...figures, ...(await measureHeap(network, watched, say))];
  } finally {
    await launcher.stop();
    await network?.clean();
  }
}

async function takeRound(network: Network, yardstick: CryptoYardstick, messages: number): Promise<Round> {
  // Before and after: on a machine that others use too, a yardstick from another moment has another length.
  const before = await yardstick.measure();
  const burst = await network.saturate(messages);
  const crypto = meanOf(before, await yardstick.measure());
  const steady = await network.pace(PACED_MESSAGES, PACE_PER_SECOND);
  return { crypto, burst, perSecond: (messages * 1000) / burst.elapsedMs, steady };
}

function meanOf(a: CryptoAlone, b: CryptoAlone): CryptoAlone {
  return {
    parallelPerSecond: (a.parallelPerSecond + b.parallelPerSecond) / 2,
    serialPerSecond: (a.serialPerSecond + b.serialPerSecond) / 2,
    encryptMicros: (a.encryptMicros + b.encryptMicros) / 2,
    decryptMicros: (a.decryptMicros + b.decryptMicros) / 2,
  };
}

function figuresOf(title: string, rounds: readonly Round[], isReference: boolean): readonly Figure[] {
  const middle = (pick: (round: Round) => number): number => median(rounds.map(pick));
  const latency = (run: 'burst' | 'steady', q: number): number =>
    middle((round) => quantile([...round[run].latenciesMs], q));
  return [
    { name: `throughput, ${title}`, value: middle(({ perSecond }) => perSecond), unit: 'msg/s' },
    {
      name: `throughput / crypto alone in two processes, ${title}`,
      value: middle(({ perSecond, crypto }) => perSecond / crypto.parallelPerSecond),
      unit: '',
      ...(isReference ? { goal: '>=0.5' } : {}),
    },
    {
      name: `throughput / crypto alone in one process, ${title}`,
      value: middle(({ perSecond, crypto }) => perSecond / crypto.serialPerSecond),
      unit: '',
    },
    {
      name: `latency p50 at ${PACE_PER_SECOND} msg/s, ${title}`,
      value: latency('steady', 0.5),
      unit: 'ms',
      ...(isReference ? { goal: '<=5' } : {}),
    },
    { name: `latency p99 at ${PACE_PER_SECOND} msg/s, ${title}`, value: latency('steady', 0.99), unit: 'ms' },
    { name: `latency p50 at saturation, ${title}`, value: latency('burst', 0.5), unit: 'ms' },
    { name: `latency p99 at saturation, ${title}`, value: latency('burst', 0.99), unit: 'ms' },
    ...PARTS.map((part) => ({
      name: `CPU of the ${part}, ${title}`,
      value: middle(({ burst }) => burst.cpuMicros[part]),
      unit: 'µs/msg',
    })),
    {
      name: `crypto alone / CPU of the sender, ${title}`,
      value: middle(({ crypto, burst }) => crypto.encryptMicros / burst.cpuMicros.sender),
      unit: '',
    },
    {
      name: `crypto alone / CPU of the receiver, ${title}`,
      value: middle(({ crypto, burst }) => crypto.decryptMicros / burst.cpuMicros.receiver),
      unit: '',
    },
    { name: `crypto alone, encrypt, ${title}`, value: middle(({ crypto }) => crypto.encryptMicros), unit: 'µs/msg' },
    { name: `crypto alone, decrypt, ${title}`, value: middle(({ crypto }) => crypto.decryptMicros), unit: 'µs/msg' },
    {
      name: `crypto alone in two processes, ${title}`,
      value: middle(({ crypto }) => crypto.parallelPerSecond),
      unit: 'msg/s',
    },
    {
      name: `crypto alone in one process, ${title}`,
      value: middle(({ crypto }) => crypto.serialPerSecond),
      unit: 'msg/s',
    },
    {
      name: `machine used by others during the bursts, ${title}`,
      value: middle(({ burst }) => burst.foreignLoad * 100),
      unit: '%',
    },
  ];
}

function describeRound(title: string, { crypto, burst, perSecond, steady }: Round): string {
  const { sender, relay, receiver } = burst.cpuMicros;
  const p50 = quantile([...steady.latenciesMs], 0.5);
  return (
    `${title}: ${perSecond.toFixed(0)} msg/s of ${crypto.parallelPerSecond.toFixed(0)}, ` +
    `CPU ${sender.toFixed(0)} + ${relay.toFixed(0)} + ${receiver.toFixed(0)} µs/msg, ` +
    `p50 ${p50.toFixed(2)} ms at ${PACE_PER_SECOND} msg/s; ` +
    `others used ${(burst.foreignLoad * 100).toFixed(0)} and ${(steady.foreignLoad * 100).toFixed(0)} % of the machine`
  );
}

function titleOf({ members, mode }: Scenario): string {
  return `group of ${members}, ${mode}`;
}
