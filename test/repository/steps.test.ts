import { expect, test } from 'vitest';
import { runSteps } from '../../scripts/lib/steps.ts';
import type { Step } from '../../scripts/lib/steps.ts';

const step = (name: string, needs: readonly string[] = [], isAlone = false): Step => ({ name, needs, isAlone });

/** Runs them with steps that end when they are told to, and notes what has happened. */
function begin(steps: readonly Step[]): {
  readonly log: readonly string[];
  readonly end: (name: string, isPassed?: boolean) => Promise<void>;
  readonly outcome: Promise<boolean>;
} {
  const log: string[] = [];
  const ends = new Map<string, (isPassed: boolean) => void>();
  const outcome = runSteps(steps, 2, (name, signal) => {
    log.push(`+${name}`);
    return new Promise((resolve) => {
      ends.set(name, resolve);
      signal.addEventListener('abort', () => {
        if (ends.delete(name)) log.push(`stop ${name}`);
        resolve(false);
      });
    });
  });
  const end = async (name: string, isPassed = true): Promise<void> => {
    log.push(`-${name}`);
    ends.get(name)?.(isPassed);
    ends.delete(name);
    await new Promise(setImmediate);
  };
  return { log, end, outcome };
}

test('runs two steps at a time, in their order', async () => {
  const { log, end, outcome } = begin([step('a'), step('b'), step('c')]);
  await end('b');
  await end('a');
  await end('c');
  expect(await outcome).toBe(true);
  expect(log).toEqual(['+a', '+b', '-b', '+c', '-a', '-c']);
});

test('lets a step wait for what it needs, and others go first', async () => {
  const { log, end, outcome } = begin([step('build'), step('pack', ['build', 'not in the plan']), step('lint')]);
  await end('build');
  await end('lint');
  await end('pack');
  expect(await outcome).toBe(true);
  expect(log).toEqual(['+build', '+lint', '-build', '+pack', '-lint', '-pack']);
});

test('runs nothing beside a step that is alone', async () => {
  const { log, end, outcome } = begin([step('a'), step('alone', [], true), step('b')]);
  await end('a');
  await end('b');
  await end('alone');
  expect(await outcome).toBe(true);
  expect(log).toEqual(['+a', '+b', '-a', '-b', '+alone', '-alone']);
});

test('stops what runs when a step has failed, and starts nothing more', async () => {
  const { log, end, outcome } = begin([step('a'), step('b'), step('c')]);
  await end('a', false);
  expect(await outcome).toBe(false);
  expect(log).toEqual(['+a', '+b', '-a', 'stop b']);
});
