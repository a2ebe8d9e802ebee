import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SkytaleClient } from '../../src/index.ts';
import { Program } from '../program.ts';
import { MortalRelay } from '../soak/mortal-relay.ts';
import type { MortalAgentCalls } from './programs/agent.ts';
import { type LifeOutcome, ScriptedLife } from './scripted-life.ts';

export interface KillPointsOptions {
  /** The programs. */
  readonly relayFile: string;
  readonly agentFile: string;
  /** How many kill-points, spread evenly over the life. Default one at each write. */
  readonly points?: number;
  readonly say: (line: string) => void;
}

/** What came of it. */
export interface KillPointsResult {
  /** Writes of a life that nobody disturbs. */
  readonly writes: number;
  /** Lives whose process was killed. */
  readonly kills: number;
  /** What was wrong with any of them, with the write at which it was killed. */
  readonly complaints: readonly string[];
}

/**
 * Lets an agent live the same life again and again, as a process of its own on real SQLite and a real relay, and kills the process
 * in front of another write each time: whatever it was about to write, the next process goes on as if nothing had happened.
 */
export async function killPoints(options: KillPointsOptions): Promise<KillPointsResult> {
  const directory = await mkdtemp(join(tmpdir(), 'skytale-killpoints-'));
  const relay = new MortalRelay(options.relayFile, join(directory, 'relay'));
  await relay.start();
  const bob = new SkytaleClient(relay.endpoint, join(directory, 'bob'), new TextEncoder().encode('bob'));
  const start = (): Program<MortalAgentCalls> => new Program<MortalAgentCalls>(options.agentFile);
  let agent = start();
  const live = async (killAtWrite: number): Promise<LifeOutcome> => {
    const channel = `bench/killpoints/life-${killAtWrite}`;
    const dataDir = join(directory, `alice-${killAtWrite}`);
    const life = new ScriptedLife(agent, start, bob, { endpoint: relay.endpoint, dataDir, channel, killAtWrite });
    try {
      return await life.run();
    } finally {
      ({ agent } = life);
    }
  };
  try {
    const { writes, complaints } = await live(0);
    const all = complaints.map((complaint) => `undisturbed: ${complaint}`);
    let kills = 0;
    for (const write of spread(writes, options.points ?? writes)) {
      const outcome = await live(write);
      if (outcome.wasKilled) kills += 1;
      // A life that wrote less than the undisturbed one had no such moment: what comes together is written together.
      else if (outcome.writes >= write) all.push(`write ${write}: nobody was killed`);
      all.push(...outcome.complaints.map((complaint) => `write ${write}: ${complaint}`));
      options.say(`killed at write ${write} of ${writes}: ${outcome.complaints.join('; ') || 'the same'}`);
    }
    return { writes, kills, complaints: all };
  } finally {
    await agent.stop();
    await bob.close();
    await relay.stop();
    await rm(directory, { recursive: true, force: true });
  }
}

/** So many of the numbers from 1 to `last`, as far from each other as possible. */
function spread(last: number, count: number): readonly number[] {
  const points = Math.min(last, count);
  if (points === 1) return [last];
  return Array.from({ length: points }, (_, index) => 1 + Math.round((index * (last - 1)) / (points - 1)));
}
