import type { FaultPlan } from '../faults/fault-plan.ts';

/**
 * The smallest part of a plan that still fails: no fault of it can be left out. Finds one of them, if there are several.
 *
 * @param fails whether a run under a plan fails; asked about as many plans as the square of the number of faults at the most
 */
export async function shrinkPlan(plan: FaultPlan, fails: (plan: FaultPlan) => Promise<boolean>): Promise<FaultPlan> {
  for (const index of plan.faults.keys()) {
    const smaller = { ...plan, faults: plan.faults.filter((_, other) => other !== index) };
    if (await fails(smaller)) return shrinkPlan(smaller, fails);
  }
  return plan;
}
