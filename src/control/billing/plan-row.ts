import type { PlanState } from './plan-book.ts';

/** The columns of `accounts` that say how an account stands with its plan. */
export interface PlanRow {
  readonly plan: string;
  readonly billing_status: PlanState['status'];
  readonly period_end: number | null;
  readonly cancel_at_period_end: number;
}

/** What a row says. */
export function planState(row: PlanRow): PlanState {
  return {
    plan: row.plan,
    status: row.billing_status,
    periodEndMs: row.period_end ?? undefined,
    isCancelled: row.cancel_at_period_end === 1,
  };
}
