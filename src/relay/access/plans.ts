import { checkInteger } from '../../base/check.ts';
import { RuntimeError } from '../../base/errors.ts';

/** What an account of a plan may use. */
export interface Plan {
  /** Messages in a calendar month, UTC. Absent: any number. */
  readonly messagesPerMonth?: number;
}

/** Plans by the names that the `plan` claim of a token gives them. */
export type Plans = Readonly<Record<string, Plan>>;

/** The plans that hold if none are configured. */
export const DEFAULT_PLANS: Plans = {
  free: { messagesPerMonth: 100_000 },
  pro: { messagesPerMonth: 1_000_000 },
  enterprise: {},
};

/** What a token's `plan` claim is worth. */
export interface PlanBook {
  /** The plan that counts for a claim; `undefined` if tokens of it are not taken. */
  find(claim: unknown): { readonly name: string; readonly plan: Plan } | undefined;
}

/**
 * Looks plans up.
 *
 * @param unknownPlan name of the plan for tokens whose `plan` is not in `plans`, or that name none
 * @throws {@link RuntimeError} `invalid_argument`
 */
export function planBook(plans: Plans, unknownPlan: string | undefined): PlanBook {
  const known = new Map(Object.entries(plans));
  for (const [name, { messagesPerMonth }] of known) {
    if (messagesPerMonth !== undefined) checkInteger(`plans.${name}.messagesPerMonth`, messagesPerMonth, 0);
  }
  if (unknownPlan !== undefined && !known.has(unknownPlan)) {
    throw new RuntimeError(
      'invalid_argument',
      `Expected \`unknownPlan\` to name one of the plans, got ${unknownPlan}.`,
    );
  }
  return {
    find(claim) {
      const name = typeof claim === 'string' && known.has(claim) ? claim : unknownPlan;
      const plan = name === undefined ? undefined : known.get(name);
      return name === undefined || plan === undefined ? undefined : { name, plan };
    },
  };
}
