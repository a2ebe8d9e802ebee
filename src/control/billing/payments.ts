import type { BillingStatus, PlanState } from './plan-book.ts';

/** Who pays, and where they come back to. */
export interface PaymentRequest {
  readonly account: string;
  readonly email: string;
  /** Where the payment provider sends people when they are done: a page of this server. */
  readonly returnUrl: string;
}

/** A plan that was paid for, or how that stands. Times are Unix milliseconds. */
export interface PlanChange {
  readonly plan: string;
  readonly status: BillingStatus;
  readonly periodEndMs: number | undefined;
  readonly isCancelled: boolean;
}

/** Changes the plans of accounts. Tokens that are made afterwards carry the new plan. */
export interface PlanDesk {
  /** How an account stands; `undefined` if there is no such account. */
  find(account: string): Promise<PlanState | undefined>;
  /** Whether there is such an account. @throws {@link RuntimeError} `invalid_argument` for a plan that there is not */
  set(account: string, change: PlanChange): Promise<boolean>;
}

/** Who takes the money, as a port. Rejections are answered with 503. */
export interface Payments {
  /** Where the account pays for a plan. Once it has, somebody calls the desk: this method, or whoever the provider tells. */
  checkout(request: PaymentRequest & { readonly plan: string }, desk: PlanDesk): Promise<{ readonly url: string }>;
  /** Where the account manages how it pays. */
  portal(request: PaymentRequest): Promise<{ readonly url: string }>;
}
