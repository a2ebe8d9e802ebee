import { join } from 'node:path';
import type { Bench, BenchOptions, Figure } from '../bench.ts';
import { compile } from '../compile.ts';
import { Launcher } from '../program.ts';
import type { Memory } from '../program-protocol.ts';
import { median } from '../statistics.ts';
import type { ActorCalls, DuelRound } from './programs/actors.ts';
import type { ChannelCalls } from './programs/channels.ts';

const WARM_UP_ROUNDS = 3;
/** A message costs so little that a round of fewer would measure the clock. */
const MESSAGES = 200_000;
const CROWD = 100;
const CHILDREN = 1000;
const IDLE_ACTORS = 10_000;
const IDLE_CHANNELS = 1000;
const MEMBERS = 10;
const KIB = 1024;

type Measure = (launcher: Launcher, options: BenchOptions) => Promise<readonly Figure[]>;

/** By the words that `--only` picks them with. */
const MEASURES: Readonly<Record<string, Measure>> = {
  mailbox: measureMailbox,
  restart: measureRestart,
  'idle actors': measureIdleActors,
  'idle channels': measureIdleChannels,
};

/** The actor runtime: what a message, a restart, and an actor or a channel that has nothing to do cost. */
export const actors: Bench = {
  name: 'actors',
  summary: 'mailbox throughput beside nact, restart of 1,000 children, memory of idle actors and channels',
  async run(options) {
    const wanted = Object.entries(MEASURES).filter(([name]) => name.includes(options.only ?? ''));
    if (wanted.length === 0) {
      throw new Error(`Expected \`--only\` to be part of: ${Object.keys(MEASURES).join('; ')}.`);
    }
    const launcher = new Launcher(join(await compile(), 'actors/programs'), options.cpuProf);
    try {
      const figures: Figure[] = [];
      for (const [, measure] of wanted) figures.push(...(await measure(launcher, options)));
      return figures;
    } finally {
      await launcher.stop();
    }
  },
};

async function measureMailbox(launcher: Launcher, { rounds, say }: BenchOptions): Promise<readonly Figure[]> {
  const program = launcher.start<ActorCalls>('actors', 'mailbox');
  const figures: Figure[] = [];
  for (const actors of [1, CROWD]) {
    const work = { messages: MESSAGES, actors };
    for (let round = 0; round < WARM_UP_ROUNDS; round += 1) await program.call('duel', work);
    const results: DuelRound[] = [];
    while (results.length < rounds) results.push(await program.call('duel', work));
    const label = `mailbox, ${actors === 1 ? 'one actor' : `${actors} actors`}`;
    say(`${label}: ${MESSAGES} messages in bursts of 1,000, each handled by a sum; medians of ${rounds} rounds`);
    const perSecond = (pick: (round: DuelRound) => number): number => MESSAGES / (median(results.map(pick)) / 1000);
    figures.push(
      { name: label, value: perSecond(({ ours }) => ours), unit: 'msg/s' },
      { name: `${label}, nact`, value: perSecond(({ nacts }) => nacts), unit: 'msg/s' },
      {
        name: `${label}, here / nact`,
        value: median(results.map(({ ours, nacts }) => nacts / ours)),
        unit: '',
        goal: '>=3',
      },
    );
  }
  await program.stop();
  return figures;
}

async function measureRestart(launcher: Launcher, { rounds, say }: BenchOptions): Promise<readonly Figure[]> {
  const program = launcher.start<ActorCalls>('actors', 'restart');
  const times: number[] = [];
  while (times.length < 2 * rounds) times.push(await program.call('restart', CHILDREN));
  await program.stop();
  say(`restart: one of ${CHILDREN} siblings fails, all are taken down and started again (oneForAll, backoff 1 ms)`);
  return [
    { name: `restart of ${CHILDREN} children`, value: median(times), unit: 'ms', goal: '<=250' },
    { name: `restart of ${CHILDREN} children, first in the process`, value: times[0] ?? Number.NaN, unit: 'ms' },
  ];
}

async function measureIdleActors(launcher: Launcher, { say }: BenchOptions): Promise<readonly Figure[]> {
  const program = launcher.start<ActorCalls>('actors', 'idle actors');
  await program.call('spawn', CROWD); // what is compiled and cached is not an actor's
  const before = await program.memory();
  await program.call('spawn', IDLE_ACTORS);
  const idle = await program.memory();
  await program.call('tellAll');
  const told = await program.memory();
  await program.stop();
  say(`idle actors: ${IDLE_ACTORS} of \`inbox$ => inbox$.pipe(map(…))\`, with a reference held to each`);
  const each = (bytes: number): number => (bytes - before.heapBytes) / IDLE_ACTORS / KIB;
  return [
    { name: 'memory per idle actor', value: each(idle.heapBytes), unit: 'KiB', goal: '<=2' },
    { name: 'memory per idle actor that has handled a message', value: each(told.heapBytes), unit: 'KiB' },
  ];
}

async function measureIdleChannels(launcher: Launcher, { say }: BenchOptions): Promise<readonly Figure[]> {
  const program = launcher.start<ChannelCalls>('channels', 'idle channels');
  say(`idle channels: ${IDLE_CHANNELS} of ${MEMBERS} members at one agent; making them takes a while`);
  const empty = await program.memory();
  await program.call('create', { channels: IDLE_CHANNELS, members: MEMBERS });
  // The relay is in the same process: its logs are there before as well as after.
  const before = await program.memory();
  const members = await program.call('open');
  if (members !== IDLE_CHANNELS * MEMBERS) throw new Error(`the channels have ${members} members in all`);
  const opened = await program.memory();
  await program.stop();
  const each = (from: Memory, to: Memory): number =>
    (to.heapBytes + to.externalBytes - from.heapBytes - from.externalBytes) / IDLE_CHANNELS / KIB;
  say(
    `idle channels: what stays when the agent is closed, its log at the relay above all: ${each(empty, before).toFixed(1)} KiB each`,
  );
  return [
    {
      name: `memory per idle channel of ${MEMBERS} members`,
      value: each(before, opened),
      unit: 'KiB',
      goal: '<=100',
    },
  ];
}
