import { join } from 'node:path';
import type { Bench, BenchOptions, Figure } from '../bench.ts';
import { compile } from '../compile.ts';
import { Launcher, type Program } from '../program.ts';
import { median } from '../statistics.ts';
import type { TwinCalls } from './programs/twin.ts';
import { measureTapes } from './tape.ts';

/** @param programs the folder of the compiled programs of all benches */
type Measure = (programs: string, options: BenchOptions) => Promise<readonly Figure[]>;

/** By the words that `--only` picks them with. */
const MEASURES: Readonly<Record<string, Measure>> = {
  'twin, life': inTwin('life', measureLife),
  'twin, day': inTwin('day', measureDay),
  tape: measureTapes,
};

/** What tests of agents cost: the simulated world, with real MLS, and tapes. */
export const replay: Bench = {
  name: 'replay',
  summary:
    'the simulated world: 50 agents with 1,000 messages under faults, and a day of 5 that are idle, in CPU time; recording and replaying tapes',
  async run(options) {
    const wanted = Object.entries(MEASURES).filter(([name]) => name.includes(options.only ?? ''));
    if (wanted.length === 0) {
      throw new Error(`Expected \`--only\` to be part of: ${Object.keys(MEASURES).join('; ')}.`);
    }
    const programs = await compile();
    const figures: Figure[] = [];
    for (const [, measure] of wanted) figures.push(...(await measure(programs, options)));
    return figures;
  },
};

/** A measure in a process of its own. */
function inTwin(
  label: string,
  measure: (twin: Program<TwinCalls>, options: BenchOptions) => Promise<readonly Figure[]>,
): Measure {
  return async (programs, options) => {
    const launcher = new Launcher(join(programs, 'replay/programs'), options.cpuProf);
    try {
      return await measure(launcher.start<TwinCalls>('twin', label), options);
    } finally {
      await launcher.stop();
    }
  };
}

async function measureLife(twin: Program<TwinCalls>, { rounds, say }: BenchOptions): Promise<readonly Figure[]> {
  const seconds: number[] = [];
  while (seconds.length < rounds) {
    const { cpuSeconds, agents, messages, faults, virtualMs } = await twin.call('life');
    say(`${agents} agents, ${messages} messages, ${faults} faults, ${(virtualMs / 1000).toFixed(1)} s of virtual time`);
    seconds.push(cpuSeconds);
  }
  return [{ name: 'twin, 50 agents × 1,000 messages with faults', value: median(seconds), unit: 's', goal: '<=90' }];
}

async function measureDay(twin: Program<TwinCalls>, { rounds, say }: BenchOptions): Promise<readonly Figure[]> {
  const seconds: number[] = [];
  while (seconds.length < rounds) {
    const { cpuSeconds, agents, entries } = await twin.call('day');
    say(`${agents} idle agents, a day, ${entries} entries of their own`);
    seconds.push(cpuSeconds);
  }
  return [{ name: 'twin, a day of 5 idle agents', value: median(seconds), unit: 's', goal: '<=2' }];
}
