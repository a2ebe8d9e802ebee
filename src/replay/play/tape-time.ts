import type { VirtualClock } from '../world/virtual-clock.ts';

/** Time passes up to there: the timers of the code under test fire in their order, before what happens later. */
export function passTime(clock: VirtualClock, elapsedMs: number): void {
  while ((clock.nextMs ?? Infinity) <= elapsedMs) clock.runNext();
  clock.skipTo(elapsedMs);
}
