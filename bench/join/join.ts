import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join as path } from 'node:path';
import type { Bench, BenchOptions, Figure } from '../bench.ts';
import { compile } from '../compile.ts';
import { Launcher, type Program } from '../program.ts';
import { quantile } from '../statistics.ts';
import type { AgentsCalls } from './programs/agents.ts';
import type { ControlCalls } from './programs/control.ts';
import type { RelayCalls } from './programs/relay.ts';

/** Members of the channel that is joined, and what 95 of 100 joins may take. */
const SIZES = [
  { members: 10, goal: '<=500' },
  { members: 250, goal: '<=1500' },
];
const JOINS = 40;
const AT_ONCE = 50;
const EXCHANGE_SECONDS = 5;
const EXCHANGE_WIDTH = 32;

/** Relay, control plane, a member that admits and agents that join, in a process each. */
interface World {
  readonly member: Program<AgentsCalls>;
  readonly joiners: Program<AgentsCalls>;
}

async function openWorld(launcher: Launcher, directory: string): Promise<World> {
  const secret = randomBytes(32).toString('hex');
  const relay = launcher.start<RelayCalls>('relay', 'join');
  const endpoint = await relay.call('open', { dataDir: path(directory, 'relay'), secret });
  const control = launcher.start<ControlCalls>('control', 'join');
  const apiUrl = await control.call('open', {
    path: path(directory, 'control', 'control.db'),
    secret,
    relay: endpoint,
  });
  const response = await fetch(`${apiUrl}/v1/accounts`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ email: 'bench@example.org' }),
  });
  const { api_key: apiKey } = (await response.json()) as { api_key: string };
  const member = launcher.start<AgentsCalls>('agents', 'member');
  const joiners = launcher.start<AgentsCalls>('agents', 'joiners');
  await member.call('open', { endpoint, apiUrl, apiKey, dataDir: path(directory, 'member') });
  await joiners.call('open', { endpoint, apiUrl, apiKey, dataDir: path(directory, 'joiners') });
  return { member, joiners };
}

/** One after the other, each removed again before the next one comes. */
async function oneByOne({ member, joiners }: World, members: number): Promise<readonly number[]> {
  const name = `bench/join/size-${members}`;
  const token = await member.call('found', { name, members });
  const tookMs: number[] = [];
  // The first one pays for code that has never run.
  for (let turn = -1; turn < JOINS; turn += 1) {
    const who = `joiner ${members} ${turn}`;
    await joiners.call('prepare', [who]);
    const took = await joiners.call('join', { who, name, token });
    if (turn >= 0) tookMs.push(took);
    await member.call('remove', { who, name });
    await joiners.call('retire', who);
  }
  return tookMs;
}

/** All at once. Returns the commits that it took. */
async function allAtOnce({ member, joiners }: World, round: number): Promise<number> {
  const name = `bench/join/crowd-${round}`;
  const token = await member.call('found', { name, members: 1 });
  const crowd = Array.from({ length: AT_ONCE }, (_, index) => `crowd ${round} ${index}`);
  await joiners.call('prepare', crowd);
  const before = await member.call('state', name);
  await Promise.all(crowd.map((who) => joiners.call('join', { who, name, token })));
  const after = await member.call('state', name);
  for (const who of crowd) await joiners.call('retire', who);
  if (after.members !== AT_ONCE + 1) throw new Error(`${after.members} are in, not ${AT_ONCE + 1}`);
  return after.epoch - before.epoch;
}

async function measure({ rounds, only, say }: BenchOptions, world: World): Promise<readonly Figure[]> {
  const isWanted = (name: string): boolean => only === undefined || name.includes(only);
  const figures: Figure[] = [];
  for (const { members, goal } of SIZES) {
    const name = `joinWithToken, ${members} members`;
    if (!isWanted(name)) continue;
    say(`${name}: ${JOINS} joins, one after the other`);
    const tookMs = await oneByOne(world, members);
    figures.push({ name: `${name}, p50`, value: quantile(tookMs, 0.5), unit: 'ms' });
    figures.push({ name: `${name}, p95`, value: quantile(tookMs, 0.95), unit: 'ms', goal });
  }
  if (isWanted('at once')) {
    const commits: number[] = [];
    for (let round = 0; round < rounds; round += 1) {
      commits.push(await allAtOnce(world, round));
      say(`${AT_ONCE} joins at once: ${commits.at(-1)} commits`);
    }
    figures.push({ name: `${AT_ONCE} joins at once, most`, value: Math.max(...commits), unit: 'commits', goal: '<=5' });
  }
  if (isWanted('token exchanges')) {
    say(`token exchanges for ${EXCHANGE_SECONDS} s, ${EXCHANGE_WIDTH} at once`);
    const value = await world.joiners.call('exchange', { seconds: EXCHANGE_SECONDS, width: EXCHANGE_WIDTH });
    figures.push({ name: 'token exchanges', value, unit: 'tokens/s', goal: '>=500' });
  }
  return figures;
}

/** From a token to a member: what joining costs, over real servers in processes of their own. */
export const join: Bench = {
  name: 'join',
  summary: 'joining by an invite, alone and in a crowd, and exchanging keys for tokens',
  async run(options: BenchOptions): Promise<readonly Figure[]> {
    const directory = await mkdtemp(path(tmpdir(), 'skytale-bench-join-'));
    const launcher = new Launcher(path(await compile(), 'join', 'programs'), options.cpuProf);
    try {
      return await measure(options, await openWorld(launcher, directory));
    } finally {
      await launcher.stop();
      await rm(directory, { recursive: true, force: true });
    }
  },
};
