import { RuntimeError } from '../../base/errors.ts';
import type { Context } from '../context.ts';
import { notFound, Refusal } from '../refusal.ts';
import { nextMonth } from './free-payments.ts';
import type { PaymentRequest, Payments, PlanChange, PlanDesk } from './payments.ts';
import type { BillingStatus, PlanState } from './plan-book.ts';
import { planState } from './plan-row.ts';
import type { PlanRow } from './plan-row.ts';

/** How an account stands with its plan, as the API shows it. */
export interface BillingView {
  readonly plan: string;
  readonly status: BillingStatus;
  readonly current_period_end: string | null;
  readonly cancel_at_period_end: boolean;
}

/** Plans of accounts, and where to pay for them. */
export class Billing implements PlanDesk {
  readonly #context: Context;
  readonly #payments: Payments;
  readonly #returnUrl: () => string;

  /** @param returnUrl the page for people who have paid */
  constructor(context: Context, payments: Payments, returnUrl: () => string) {
    this.#context = context;
    this.#payments = payments;
    this.#returnUrl = returnUrl;
  }

  /** @throws {@link Refusal} 404 */
  async of(account: string): Promise<BillingView> {
    const { clock, plans } = this.#context;
    const state = await this.find(account);
    if (state === undefined) throw notFound();
    const now = clock.now();
    const plan = plans.planAt(state, now);
    const isBasic = plan === plans.basic;
    const end = isBasic ? undefined : state.periodEndMs;
    return {
      plan,
      status: isBasic ? 'active' : state.status,
      current_period_end: end === undefined ? null : new Date(end).toISOString(),
      cancel_at_period_end: !isBasic && state.isCancelled,
    };
  }

  /** Where to pay for a plan. @throws {@link Refusal} 400 `unknown_plan`; 503 `payment_unavailable` */
  async checkout(account: string, plan: string): Promise<string> {
    const { plans } = this.#context;
    if (!plans.names.includes(plan)) {
      throw new Refusal(400, `no such plan; there are ${plans.names.join(', ')}`, 'unknown_plan');
    }
    return this.#ask(account, (request) => this.#payments.checkout({ ...request, plan }, this));
  }

  /** Where to manage how to pay. @throws {@link Refusal} 503 `payment_unavailable` */
  portal(account: string): Promise<string> {
    return this.#ask(account, (request) => this.#payments.portal(request));
  }

  async find(account: string): Promise<PlanState | undefined> {
    const row = await this.#context.database.first<PlanRow>(
      'SELECT plan, billing_status, period_end, cancel_at_period_end FROM accounts WHERE id = ?',
      account,
    );
    if (row === undefined) return undefined;
    const state = planState(row);
    return { ...state, periodEndMs: currentEnd(state, this.#context.clock.now()) };
  }

  async set(account: string, { plan, status, periodEndMs, isCancelled }: PlanChange): Promise<boolean> {
    const { database, plans } = this.#context;
    if (!plans.names.includes(plan)) {
      throw new RuntimeError(
        'invalid_argument',
        `Expected \`plan\` to be one of ${plans.names.join(', ')}, got ${plan}.`,
      );
    }
    const changed = await database.run(
      'UPDATE accounts SET plan = ?, billing_status = ?, period_end = ?, cancel_at_period_end = ? WHERE id = ?',
      ...[plan, status, periodEndMs ?? null, isCancelled ? 1 : 0, account],
    );
    return changed > 0;
  }

  async #ask(account: string, ask: (request: PaymentRequest) => Promise<{ readonly url: string }>): Promise<string> {
    const { database, logger } = this.#context;
    const row = await database.first<{ email: string }>('SELECT email FROM accounts WHERE id = ?', account);
    if (row === undefined) throw notFound();
    try {
      return (await ask({ account, email: row.email, returnUrl: this.#returnUrl() })).url;
    } catch (error) {
      logger.error({ err: error, account }, 'the payment provider has failed');
      throw new Refusal(503, 'payments are not available, try again', 'payment_unavailable', 30);
    }
  }
}

/** When the period ends that lies around `nowMs`: one that is not cancelled goes on month by month. */
function currentEnd({ periodEndMs, isCancelled }: PlanState, nowMs: number): number | undefined {
  let end = periodEndMs;
  while (end !== undefined && end <= nowMs && !isCancelled) end = nextMonth(end);
  return end;
}
