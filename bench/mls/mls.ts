import { join } from 'node:path';
import type { Bench, BenchOptions, Figure } from '../bench.ts';
import { compile } from '../compile.ts';
import { Launcher, type Program } from '../program.ts';
import { median } from '../statistics.ts';
import type { CommitRound, MessageRound, StepCalls } from './programs/steps.ts';

/** Messages are cheap to measure, and their goals are close. */
const MESSAGE_ROUNDS_EACH = 3;
const WARM_UP_ROUNDS = 3;
/** A commit of that size is compiled for speed only after some of them. */
const COMMIT_WARM_UP_ROUNDS = 5;
const RESTORED_MEMBERS = 100;
const STORED_MEMBERS = [2, 100, 1000] as const;

type Measure = (steps: Program<StepCalls>, options: BenchOptions) => Promise<readonly Figure[]>;

/** By the words that `--only` picks them with. */
const MEASURES: Readonly<Record<string, Measure>> = {
  messages: measureMessages,
  commit: measureCommit,
  restore: measureRestore,
  store: measureStore,
};

/** The steps of a group, without network or actor: CPU time against bare node:crypto and the library's own provider. */
export const mls: Bench = {
  name: 'mls',
  summary: 'encrypt, decrypt, commit, restore and store, in CPU time: against bare node:crypto and WebCrypto',
  async run(options) {
    const wanted = Object.entries(MEASURES).filter(([name]) => name.includes(options.only ?? ''));
    if (wanted.length === 0) {
      throw new Error(`Expected \`--only\` to be part of: ${Object.keys(MEASURES).join('; ')}.`);
    }
    const launcher = new Launcher(join(await compile(), 'mls/programs'), options.cpuProf);
    try {
      const figures: Figure[] = [];
      for (const [name, measure] of wanted) {
        figures.push(...(await measure(launcher.start<StepCalls>('steps', name), options)));
      }
      return figures;
    } finally {
      await launcher.stop();
    }
  },
};

async function measureMessages(steps: Program<StepCalls>, { rounds, say }: BenchOptions): Promise<readonly Figure[]> {
  for (let round = 0; round < WARM_UP_ROUNDS; round += 1) await steps.call('messages');
  const results: MessageRound[] = [];
  while (results.length < rounds * MESSAGE_ROUNDS_EACH) results.push(await steps.call('messages'));
  say(`messages: 1 KiB, 10 members, medians of ${results.length} rounds: bare node:crypto, node, bare, web`);
  const middle = (pick: (round: MessageRound) => number): number => median(results.map(pick));
  return (['encrypt', 'decrypt'] as const).flatMap((step): Figure[] => [
    { name: `${step}, bare node:crypto`, value: middle(({ floor }) => floor[step]), unit: 'µs/msg' },
    { name: `${step}, provider node`, value: middle(({ node }) => node[step]), unit: 'µs/msg' },
    { name: `${step}, provider web`, value: middle(({ web }) => web[step]), unit: 'µs/msg' },
    {
      name: `${step}, provider node / bare node:crypto`,
      value: middle(({ node, floor }) => node[step] / floor[step]),
      unit: '',
      goal: step === 'encrypt' ? '<=2.2' : '<=1.7',
    },
    {
      name: `${step}, provider web / provider node`,
      value: middle(({ node, web }) => web[step] / node[step]),
      unit: '',
      goal: step === 'encrypt' ? '>=8' : '>=3',
    },
  ]);
}

async function measureCommit(steps: Program<StepCalls>, { rounds, say }: BenchOptions): Promise<readonly Figure[]> {
  for (let round = 0; round < COMMIT_WARM_UP_ROUNDS; round += 1) await steps.call('commit');
  const results: CommitRound[] = [];
  while (results.length < rounds) results.push(await steps.call('commit'));
  say(`commit: adds 100 members to a group of one, medians of ${rounds} rounds: node, web`);
  return [
    { name: 'commit that adds 100, provider node', value: median(results.map(({ node }) => node / 1000)), unit: 'ms' },
    { name: 'commit that adds 100, provider web', value: median(results.map(({ web }) => web / 1000)), unit: 'ms' },
    {
      name: 'commit that adds 100, provider node / provider web',
      value: median(results.map(({ node, web }) => node / web)),
      unit: '',
      goal: '<=0.4',
    },
  ];
}

async function measureRestore(steps: Program<StepCalls>, { rounds, say }: BenchOptions): Promise<readonly Figure[]> {
  const times = await steps.call('restore', { members: RESTORED_MEMBERS, rounds: 2 + 3 * rounds });
  say(`restore: ${RESTORED_MEMBERS} members, keys of four past epochs, 50 messages since the last whole write, SQLite`);
  return [
    {
      name: `restore of a channel, ${RESTORED_MEMBERS} members`,
      value: median(times.slice(2)),
      unit: 'ms',
      goal: '<=15',
    },
    {
      name: `restore of a channel, ${RESTORED_MEMBERS} members, first in the process`,
      value: times[0] ?? NaN,
      unit: 'ms',
    },
  ];
}

async function measureStore(steps: Program<StepCalls>, { say }: BenchOptions): Promise<readonly Figure[]> {
  const costs = await steps.call('store', STORED_MEMBERS);
  say(`store: a save for each message, groups of ${STORED_MEMBERS.join(', ')}`);
  const spread = (values: readonly number[]): number => Math.max(...values) / Math.min(...values);
  return [
    ...costs.flatMap(({ members, bytes, micros }): Figure[] => [
      { name: `store, ${members} members, bytes`, value: bytes, unit: 'bytes/msg', goal: '<=400' },
      { name: `store, ${members} members, CPU`, value: micros, unit: 'µs/msg' },
    ]),
    {
      name: 'store, bytes: largest / smallest',
      value: spread(costs.map(({ bytes }) => bytes)),
      unit: '',
      goal: '<=1.1',
    },
    { name: 'store, CPU: largest / smallest', value: spread(costs.map(({ micros }) => micros)), unit: '', goal: '<=2' },
  ];
}
