import { expect, it } from 'vitest';
import { killPoints } from '../../bench/killpoints/killpoints-run.ts';
import { compiled } from '../support/compiled.ts';

it('comes to the same end wherever between two writes its process is killed', async () => {
  const result = await killPoints({
    relayFile: compiled('bench/soak/programs/relay.ts'),
    agentFile: compiled('bench/killpoints/programs/agent.ts'),
    say: () => undefined,
  });
  expect(result.complaints).toEqual([]);
  expect(result.kills).toBeGreaterThan(8);
}, 240_000);
