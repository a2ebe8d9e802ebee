import { RuntimeError } from '../base/errors.ts';
import type { Group } from './group.ts';
import { stateOf, wrapState } from './group-state.ts';
import { carryLeaves } from './leave.ts';

/**
 * The group to go on with when an own commit has won: `next` of the {@link StagedCommit}, with the ratchets of past epochs
 * where `current` has them. `next` alone would be right for all that is to come, but it was made before the messages
 * that arrived while the commit was under way, and would let each of them be read a second time. Wishes to leave that
 * arrived meanwhile are kept, too.
 *
 * @throws {@link RuntimeError} `invalid_argument` if `next` does not follow on `current`.
 */
export function settleCommit(current: Group, next: Group): Group {
  const old = stateOf(current);
  const now = stateOf(next);
  const ended = old.groupContext.epoch;
  if (now.groupContext.epoch !== ended + 1n || !now.historicalReceiverData.has(ended)) {
    throw new RuntimeError('invalid_argument', `Expected \`next\` to be in epoch ${ended + 1n}, got ${next.epoch}.`);
  }
  const historicalReceiverData = new Map(now.historicalReceiverData);
  for (const [epoch, data] of now.historicalReceiverData) {
    const secretTree = epoch === ended ? old.secretTree : old.historicalReceiverData.get(epoch)?.secretTree;
    if (secretTree !== undefined) historicalReceiverData.set(epoch, { ...data, secretTree });
  }
  return wrapState(carryLeaves(old, { ...now, historicalReceiverData }));
}
