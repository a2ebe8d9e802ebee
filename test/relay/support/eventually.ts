import { setTimeout as wait } from 'node:timers/promises';

/** Resolves when `condition` holds. A test that waits in vain fails by its own time limit. */
export async function eventually(condition: () => boolean): Promise<void> {
  while (!condition()) await wait(5);
}
