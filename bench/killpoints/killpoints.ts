import { join } from 'node:path';
import type { Bench } from '../bench.ts';
import { compile } from '../compile.ts';
import { killPoints } from './killpoints-run.ts';

/** An agent's process is killed at every write of its store, and its life compared with one that nobody disturbs. */
export const killpoints: Bench = {
  name: 'killpoints',
  summary: 'an agent killed at every write of its life: lives that came to another end',
  async run({ say }) {
    const directory = await compile();
    const { writes, kills, complaints } = await killPoints({
      relayFile: join(directory, 'soak/programs/relay.js'),
      agentFile: join(directory, 'killpoints/programs/agent.js'),
      say,
    });
    for (const complaint of complaints) say(complaint);
    return [
      { name: 'writes of a life', value: writes, unit: '' },
      { name: 'lives that were killed', value: kills, unit: '' },
      { name: 'lives that came to another end', value: complaints.length, unit: '', goal: '<=0' },
    ];
  },
};
