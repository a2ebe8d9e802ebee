import { epochsRise } from './epochs-rise.ts';
import { noDuplicate, storedOnce } from './no-duplicate.ts';
import { noLoss } from './no-loss.ts';
import type { Checker, RunRecord, Violation } from './observation.ts';
import { allLive, oneGroup } from './one-group.ts';
import { oneOrder, sendsKeepOrder } from './one-order.ts';
import { nothingUnreadable, removedReadNothing } from './removed-read-nothing.ts';
import { nothingPending, sendsSettle } from './sends-settle.ts';

/** All that must hold in every run, whatever went wrong in it. */
export const CHECKERS: readonly Checker[] = [
  noLoss,
  noDuplicate,
  storedOnce,
  oneOrder,
  sendsKeepOrder,
  epochsRise,
  oneGroup,
  allLive,
  sendsSettle,
  nothingPending,
  removedReadNothing,
  nothingUnreadable,
];

/**
 * What a run has broken of what must hold, in the order of the checkers.
 *
 * @param checkers default all of {@link CHECKERS}
 */
export function checkRun(run: RunRecord, checkers: readonly Checker[] = CHECKERS): readonly Violation[] {
  return checkers.flatMap((checker) => checker.check(run));
}
