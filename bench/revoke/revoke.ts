import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Bench, Figure } from '../bench.ts';
import { compile } from '../compile.ts';
import { Launcher } from '../program.ts';
import { median, quantile } from '../statistics.ts';
import type { AgentsCalls, Cut } from './programs/agents.ts';
import type { ControlPlaneCalls } from './programs/control-plane.ts';
import type { GuardedRelayCalls } from './programs/guarded-relay.ts';

/** Agents that are revoked in a round. */
const AGENTS_PER_ROUND = 10;
/** The first ones warm up and are not counted. */
const WARM_UP = 3;

/** How long an agent that was revoked still hears what is said on a live channel. */
export const revoke: Bench = {
  name: 'revoke',
  summary: 'agents are revoked one by one while they listen; relay, control plane and agents as processes of their own',
  async run({ rounds, cpuProf, say }) {
    const launcher = new Launcher(join(await compile(), 'revoke/programs'), cpuProf);
    const dataDir = await mkdtemp(join(tmpdir(), 'skytale-bench-'));
    try {
      const secret = randomBytes(32).toString('hex');
      const relay = await launcher
        .start<GuardedRelayCalls>('guarded-relay', 'revoke')
        .call('open', { dataDir: join(dataDir, 'relay'), secret });
      const api = await launcher
        .start<ControlPlaneCalls>('control-plane', 'revoke')
        .call('open', { dataDir: join(dataDir, 'control'), secret, relay });
      const agents = launcher.start<AgentsCalls>('agents', 'revoke');
      await agents.call('open', { relay, api, dataDir });
      const cuts: Cut[] = [];
      for (let index = 0; index < WARM_UP + rounds * AGENTS_PER_ROUND; index += 1) {
        const cut = await agents.call('cut', index);
        say(
          `${index}: removed ${ms(cut.removedMs)}, disconnected ${ms(cut.disconnectedMs)}, receipt ${ms(cut.receiptMs)}`,
        );
        if (index >= WARM_UP) cuts.push(cut);
      }
      return figuresOf(cuts);
    } finally {
      await launcher.stop();
      await rm(dataDir, { recursive: true, force: true });
    }
  },
};

function figuresOf(cuts: readonly Cut[]): readonly Figure[] {
  const whole = cuts.map(({ removedMs, disconnectedMs }) => Math.max(removedMs, disconnectedMs));
  const p95 = (name: string, values: readonly number[]): Figure => ({
    name,
    value: quantile(values, 0.95),
    unit: 'ms',
  });
  return [
    { name: 'cut off, median', value: median(whole), unit: 'ms' },
    { ...p95('cut off, p95', whole), goal: '<=2000' },
    p95(
      'removed at another member, p95',
      cuts.map(({ removedMs }) => removedMs),
    ),
    p95(
      'channel of the agent not live, p95',
      cuts.map(({ disconnectedMs }) => disconnectedMs),
    ),
    p95(
      'receipt, p95',
      cuts.map(({ receiptMs }) => receiptMs),
    ),
  ];
}

function ms(value: number): string {
  return `${value.toFixed(0)} ms`;
}
