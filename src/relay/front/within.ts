import { sleepUnlessAborted } from '../../base/clock.ts';
import type { Clock } from '../../base/clock.ts';

/** Whether `work` is done before `limitMs` are over. Rejects if it does. */
export async function within(limitMs: number, work: Promise<unknown>, clock: Clock): Promise<boolean> {
  const patience = new AbortController();
  try {
    return await Promise.race([
      work.then(() => true),
      sleepUnlessAborted(clock, limitMs, patience.signal).then(() => false),
    ]);
  } finally {
    patience.abort();
  }
}
