import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { systemRandom } from '../../src/base/random.ts';
import { Backoff, type BackoffOptions } from '../../src/streams/index.ts';
import { ManualClock } from './support.ts';

function create(options: BackoffOptions, fraction = 0): { backoff: Backoff; clock: ManualClock } {
  const clock = new ManualClock();
  return { clock, backoff: new Backoff(options, { clock, random: { fraction: () => fraction } }) };
}

function delays(backoff: Backoff, count: number): number[] {
  return Array.from({ length: count }, () => backoff.nextDelayMs());
}

describe('Backoff', () => {
  it('grows from 200 ms by the factor 2 to 10 s unless told otherwise', () => {
    const { backoff } = create({ jitter: 0 });
    expect(delays(backoff, 8)).toEqual([200, 400, 800, 1600, 3200, 6400, 10_000, 10_000]);
    expect(backoff.attempt).toBe(8);
  });

  it('draws each delay from a range as wide as the jitter', () => {
    const lowest = create({ minMs: 100, maxMs: 1000, jitter: 0.5 }, 0).backoff;
    const highest = create({ minMs: 100, maxMs: 1000, jitter: 0.5 }, 1 - 2 ** -48).backoff;

    expect(delays(lowest, 5)).toEqual([100, 200, 400, 667, 667]);
    expect(delays(highest, 5)).toEqual([150, 300, 600, 1000, 1000]);
  });

  it('never leaves the range from minMs to maxMs', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 1000 }),
        fc.integer({ min: 0, max: 1000 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        fc.double({ min: 1, max: 10, noNaN: true }),
        (minMs, more, jitter, factor) => {
          const maxMs = minMs + more;
          const ports = { clock: new ManualClock(), random: systemRandom };
          for (const delayMs of delays(new Backoff({ minMs, maxMs, jitter, factor }, ports), 12)) {
            expect(delayMs).toBeGreaterThanOrEqual(minMs);
            expect(delayMs).toBeLessThanOrEqual(maxMs);
          }
        },
      ),
    );
  });

  it('keeps growing when a success breaks at once', () => {
    const { backoff, clock } = create({ minMs: 100, maxMs: 1000, jitter: 0, resetAfterMs: 500 });
    expect(delays(backoff, 2)).toEqual([100, 200]);
    backoff.succeeded();
    clock.advance(499);
    backoff.failed();

    expect(backoff.nextDelayMs()).toBe(400);
    expect(backoff.attempt).toBe(3);
  });

  it('starts again after a success that lasted', () => {
    const { backoff, clock } = create({ minMs: 100, maxMs: 1000, jitter: 0, resetAfterMs: 500 });
    expect(delays(backoff, 3)).toEqual([100, 200, 400]);
    backoff.succeeded();
    clock.advance(300);
    backoff.succeeded();
    clock.advance(200);
    backoff.failed();

    expect(backoff.attempt).toBe(0);
    expect(backoff.nextDelayMs()).toBe(100);
  });

  it('does not count the time after a failure as quiet', () => {
    const { backoff, clock } = create({ minMs: 100, maxMs: 1000, jitter: 0, resetAfterMs: 500 });
    expect(delays(backoff, 2)).toEqual([100, 200]);
    backoff.succeeded();
    backoff.failed();
    clock.advance(5000);

    expect(backoff.nextDelayMs()).toBe(400);
  });

  it('takes the middle of minMs and maxMs as the quiet time', () => {
    const { backoff, clock } = create({ minMs: 100, maxMs: 1000, jitter: 0 });
    expect(delays(backoff, 1)).toEqual([100]);
    backoff.succeeded();
    clock.advance(549);
    expect(backoff.nextDelayMs()).toBe(200);
    backoff.succeeded();
    clock.advance(550);
    expect(backoff.nextDelayMs()).toBe(100);
  });

  it.each<[BackoffOptions, string]>([
    [{ minMs: 0 }, 'Expected `minMs` to be an integer of at least 1, got 0.'],
    [{ minMs: 500, maxMs: 499 }, 'Expected `maxMs` to be an integer of at least 500, got 499.'],
    [{ maxMs: Number.POSITIVE_INFINITY }, 'Expected `maxMs` to be an integer of at least 200, got Infinity.'],
    [{ factor: 0.5 }, 'Expected `factor` to be a number of at least 1, got 0.5.'],
    [{ jitter: 1.5 }, 'Expected `jitter` to be a number from 0 to 1, got 1.5.'],
    [{ jitter: Number.NaN }, 'Expected `jitter` to be a number from 0 to 1, got NaN.'],
    [{ resetAfterMs: -1 }, 'Expected `resetAfterMs` to be an integer of at least 0, got -1.'],
  ])('refuses %j', (options, message) => {
    expect(() => create(options)).toThrow(expect.objectContaining({ code: 'invalid_argument' }));
    expect(() => create(options)).toThrow(message);
  });
});
