import { describe, expect, test } from 'vitest';
import { rotationDue } from '../../src/mls/index.ts';

const HOUR_MS = 3600 * 1000;
const START = Date.UTC(2040, 0, 1);

const due = (messagesSent: number, ageMs: number, policy?: Parameters<typeof rotationDue>[1]): boolean =>
  rotationDue({ messagesSent, epochStartedAtMs: START, nowMs: START + ageMs }, policy);

describe('fresh keys are due', () => {
  test('after five hundred messages or a day, if nothing else is said', () => {
    expect([due(499, 24 * HOUR_MS - 1), due(500, 0), due(0, 24 * HOUR_MS)]).toEqual([false, true, true]);
  });

  test('as the policy says', () => {
    const policy = { maxMessages: 10, maxAgeMs: HOUR_MS };
    expect([due(9, HOUR_MS - 1, policy), due(10, 0, policy), due(0, HOUR_MS, policy)]).toEqual([false, true, true]);
  });

  test('never for a reason that is switched off', () => {
    expect(due(1e9, 23 * HOUR_MS, { maxMessages: 0 })).toBe(false);
    expect(due(0, 1e12, { maxAgeMs: 0 })).toBe(false);
    expect(due(1e9, 1e12, { maxMessages: 0, maxAgeMs: 0 })).toBe(false);
  });

  test('not because a clock was set back', () => {
    expect(due(0, -1000 * HOUR_MS)).toBe(false);
  });

  test.each([{ maxMessages: -1 }, { maxMessages: 0.5 }, { maxAgeMs: Number.NaN }, { maxAgeMs: -5 }])(
    'never by a policy like %j: it is refused',
    (policy) => {
      expect(() => due(0, 0, policy)).toThrow(expect.objectContaining({ code: 'invalid_argument' }));
    },
  );
});
