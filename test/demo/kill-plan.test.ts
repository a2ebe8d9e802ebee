import { expect, test } from 'vitest';
import { MIN_LINES, planKills } from '../../examples/demo/kill-plan.ts';

const SEEDS = Array.from({ length: 500 }, (_, index) => index * 8_589_935);

test.each([MIN_LINES, 21, 120, 1000, 100_000])('leaves lines to send at either kill, with %i lines', (lines) => {
  for (const seed of SEEDS) {
    const { relayAtLine, relayGate, bobAtLine, bobGate } = planKills(lines, seed);
    const order = [0, relayAtLine, relayGate, bobAtLine, bobGate, lines];
    expect(
      order.every((place, index) => index === 0 || place > (order[index - 1] ?? 0)),
      `seed ${seed}: ${order.join()}`,
    ).toBe(true);
  }
});

test('is the same for the same seed, and not for all', () => {
  expect(planKills(1000, 7)).toEqual(planKills(1000, 7));
  expect(new Set(SEEDS.map((seed) => planKills(1000, seed).relayAtLine)).size).toBeGreaterThan(100);
});
