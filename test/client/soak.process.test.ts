import { expect, it } from 'vitest';
import { soak } from '../../bench/soak/soak-run.ts';
import { compiled } from '../support/compiled.ts';

it('goes on without loss, repetition or a stopped stream while the relay is killed again and again', async () => {
  const result = await soak({
    relayFile: compiled('bench/soak/programs/relay.ts'),
    durationMs: 10_000,
    killEveryMs: 2_500,
    perSecond: 40,
    say: () => undefined,
  });
  expect(result.kills).toBeGreaterThanOrEqual(2);
  expect(result.sent).toBeGreaterThan(100);
  // How long it takes is for the bench to say: here, that all were back each time, and had noticed that they were not.
  expect(result.backToLiveMs).toHaveLength(result.kills);
  expect(result).toMatchObject({ lost: 0, duplicates: 0, outOfOrder: 0, stopped: 0, faults: {} });
}, 240_000);
