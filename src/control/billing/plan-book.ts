import { RuntimeError } from '../../base/errors.ts';
import { DEFAULT_PLANS } from '../../relay/access/index.ts';
import type { Plans } from '../../relay/access/index.ts';

/** How an account stands with its plan. */
export type BillingStatus = 'active' | 'past_due';

/** What is kept of an account's plan. Times are Unix milliseconds. */
export interface PlanState {
  readonly plan: string;
  readonly status: BillingStatus;
  /** When the period that is paid for ends; `undefined` for the plan that everybody has. */
  readonly periodEndMs: number | undefined;
  /** Whether the account falls back to the plan that everybody has, at that time. */
  readonly isCancelled: boolean;
}

/** The plans there are. */
export interface PlanBook {
  /** The plan of new accounts, and of those whose plan has ended. */
  readonly basic: string;
  readonly names: readonly string[];
  /** Messages in a calendar month, UTC; `undefined` for any number. */
  messagesPerMonth(plan: string): number | undefined;
  /** The plan that counts at `nowMs`. */
  planAt(state: PlanState, nowMs: number): string;
}

/**
 * Looks plans up.
 *
 * @throws {@link RuntimeError} `invalid_argument` if `basic` is none of the plans
 */
export function planBook(plans: Plans = DEFAULT_PLANS, basic: string = 'free'): PlanBook {
  const known = new Map(Object.entries(plans));
  if (!known.has(basic)) {
    throw new RuntimeError('invalid_argument', `Expected \`plans\` to have a plan named ${basic}, for new accounts.`);
  }
  return {
    basic,
    names: [...known.keys()],
    messagesPerMonth: (plan) => (known.get(plan) ?? known.get(basic))?.messagesPerMonth,
    planAt: ({ plan, periodEndMs, isCancelled }, nowMs) => {
      const hasEnded = isCancelled && periodEndMs !== undefined && periodEndMs <= nowMs;
      return hasEnded || !known.has(plan) ? basic : plan;
    },
  };
}
