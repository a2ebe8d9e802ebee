import { expect, test } from 'vitest';
import { boundedLogger } from '../../src/relay/bounded-logger.ts';
import type { BoundedLogger } from '../../src/relay/bounded-logger.ts';
import type { RelayLogger } from '../../src/relay/relay-logger.ts';
import { TestClock } from './support/test-clock.ts';

type Line = readonly [keyof RelayLogger, object, string];

function bounded(): { clock: TestClock; logger: BoundedLogger; lines: Line[] } {
  const clock = new TestClock();
  const lines: Line[] = [];
  const keep = (level: keyof RelayLogger) => (fields: object, message: string) =>
    void lines.push([level, fields, message]);
  const keeping = { debug: keep('debug'), info: keep('info'), warn: keep('warn'), error: keep('error') };
  return { clock, logger: boundedLogger(keeping, clock), lines };
}

test('writes twenty lines of one message in a minute, then how many more there were', () => {
  const { clock, logger, lines } = bounded();
  for (let count = 0; count < 1_000; count += 1) logger.warn({ count }, 'token refused');
  expect(lines.map(([, fields]) => fields)).toEqual(Array.from({ length: 20 }, (_, count) => ({ count })));
  clock.advance(60_000);
  expect(lines.slice(20)).toEqual([
    ['warn', { unwritten: 980, withinMs: 60_000 }, 'token refused (more of these were not written)'],
  ]);
  logger.warn({}, 'token refused');
  expect(lines.at(-1)).toEqual(['warn', {}, 'token refused']);
  clock.advance(60_000);
  expect(lines).toHaveLength(22); // nothing was left out: nothing to say
});

test('counts each message by itself, and leaves other levels alone', () => {
  const { logger, lines } = bounded();
  for (let count = 0; count < 30; count += 1) {
    logger.warn({}, 'token refused');
    logger.error({}, 'session failed');
    logger.info({}, 'told');
    logger.debug({}, 'seen');
  }
  const written = (level: string): number => lines.filter(([each]) => each === level).length;
  expect(['warn', 'error', 'info', 'debug'].map(written)).toEqual([20, 20, 30, 30]);
});

test('says what is left to say at the end, once', () => {
  const { clock, logger, lines } = bounded();
  for (let count = 0; count < 25; count += 1) logger.error({}, 'session failed');
  logger.flush();
  logger.flush();
  clock.advance(120_000);
  expect(lines.slice(20)).toEqual([
    ['error', { unwritten: 5, withinMs: 60_000 }, 'session failed (more of these were not written)'],
  ]);
});

test('is bounded also where texts come from elsewhere', () => {
  const { clock, logger, lines } = bounded();
  for (let count = 0; count < 10_000; count += 1) logger.warn({}, `the server says ${count}`);
  expect(lines).toHaveLength(256 + 20);
  clock.advance(60_000);
  expect(lines.at(-1)?.[1]).toEqual({ unwritten: 10_000 - 256 - 20, withinMs: 60_000 });
});
