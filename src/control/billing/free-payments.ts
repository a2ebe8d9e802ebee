import type { Clock } from '../../base/clock.ts';
import type { Payments, PlanDesk } from './payments.ts';

/**
 * Payments where nobody pays: a checkout switches the plan at once, for a month that renews itself. Checking the basic plan out
 * cancels the one that there is, at the end of its month; checking that out again takes the cancellation back.
 */
export function freePayments(basicPlan: string, clock: Clock): Payments {
  const cancel = async (account: string, desk: PlanDesk): Promise<void> => {
    const state = await desk.find(account);
    if (state === undefined || state.plan === basicPlan) return;
    await desk.set(account, { ...state, isCancelled: true });
  };
  const start = async (account: string, plan: string, desk: PlanDesk): Promise<void> => {
    const state = await desk.find(account);
    const isRunning = state?.plan === plan && (state.periodEndMs ?? 0) > clock.now();
    const periodEndMs = isRunning ? state.periodEndMs : nextMonth(clock.now());
    await desk.set(account, { plan, status: 'active', periodEndMs, isCancelled: false });
  };
  return {
    async checkout({ account, plan, returnUrl }, desk) {
      await (plan === basicPlan ? cancel(account, desk) : start(account, plan, desk));
      return { url: returnUrl };
    },
    portal: ({ returnUrl }) => Promise.resolve({ url: returnUrl }),
  };
}

/** The same day of the next month, or its last day if it is shorter; UTC. */
export function nextMonth(timeMs: number): number {
  const time = new Date(timeMs);
  const [year, month] = [time.getUTCFullYear(), time.getUTCMonth() + 1];
  const lastDay = new Date(Date.UTC(year, month + 1, 0)).getUTCDate();
  const inMonth = timeMs - Date.UTC(time.getUTCFullYear(), time.getUTCMonth(), time.getUTCDate());
  return Date.UTC(year, month, Math.min(time.getUTCDate(), lastDay)) + inMonth;
}
