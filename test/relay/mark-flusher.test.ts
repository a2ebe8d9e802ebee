import { expect, onTestFinished, test } from 'vitest';
import type { Clock } from '../../src/base/clock.ts';
import { openSqliteEngine } from '../../src/relay/engine/sqlite/sqlite-engine.ts';
import { freshChannelName } from './engine/suite.ts';
import { TestChannel } from './engine/test-channel.ts';
import { message } from './support/submissions.ts';
import { temporaryDirectory } from './support/temp-dir.ts';

/** A clock whose tasks a test runs by hand. */
function manualClock(): Clock & { readonly planned: Map<() => void, number> } {
  const planned = new Map<() => void, number>();
  return {
    planned,
    now: () => 0,
    schedule: (delayMs, task) => {
      planned.set(task, delayMs);
      return () => void planned.delete(task);
    },
  };
}

test('an append plans one flush of the marks, a second later, and closing plans none', async () => {
  const clock = manualClock();
  const engine = await openSqliteEngine({ dataDir: await temporaryDirectory(), clock });
  onTestFinished(() => engine.close());
  expect(clock.planned.size).toBe(0);
  const log = new TestChannel(engine, freshChannelName());
  await log.store(message());
  await log.store(message());
  expect([...clock.planned.values()]).toEqual([1000]);
  for (const task of clock.planned.keys()) task();
  clock.planned.clear();
  await log.store(message());
  expect(clock.planned.size).toBe(1);
  await engine.close();
  expect(clock.planned.size).toBe(0);
});
