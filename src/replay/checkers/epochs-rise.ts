import { agentsOf, seenBy, violation } from './facts.ts';
import type { Checker, Violation } from './observation.ts';

/**
 * Within a life epochs only rise; the state is there before the change that tells of it, and no message of an epoch comes
 * before the change to that epoch.
 */
export const epochsRise: Checker = {
  name: 'epochs-rise',
  check: (run) =>
    agentsOf(run).flatMap((agent) => {
      let epoch = 0n;
      return seenBy(run, agent).flatMap((each): Violation[] => {
        const fail = (detail: string): Violation[] => [violation('epochs-rise', agent, detail)];
        if (each.kind === 'opened') epoch = each.epoch;
        if (each.kind === 'message' && each.epoch > each.stateEpoch) {
          return fail(`message ${each.seq} of epoch ${each.epoch} came in epoch ${each.stateEpoch}`);
        }
        if (each.kind !== 'epoch') return [];
        // Who is removed does not enter the epoch that begins without it.
        if (each.removed.includes(agent) && !each.added.includes(agent)) return [];
        const before = epoch;
        epoch = each.epoch;
        if (each.epoch <= before) return fail(`epoch ${each.epoch} came behind ${before}`);
        if (each.stateEpoch < each.epoch)
          return fail(`the change to ${each.epoch} came before the state that it tells of`);
        return [];
      });
    }),
};
