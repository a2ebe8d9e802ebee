/** `GET /v1/accounts/me`. */
export interface Account {
  readonly id: string;
  readonly email: string;
  readonly name: string | null;
  readonly plan_tier: string;
}

/** One of `GET /v1/keys`. */
export interface ListedKey {
  readonly id: string;
  readonly key_prefix: string;
  readonly name: string;
  readonly last_used_at: string | null;
  readonly created_at: string;
}

/** `GET /v1/usage`. */
export interface Usage {
  readonly account_id: string;
  readonly period: string;
  readonly token_exchanges: number;
  readonly messages_relayed: number;
  readonly plan_tier: string;
  /** `null` where there is no limit. */
  readonly limits: { readonly messages_per_month: number | null };
}

/** `GET /v1/billing`. */
export interface Billing {
  readonly plan: string;
  readonly status: string;
  readonly current_period_end: string | null;
  readonly cancel_at_period_end: boolean;
}
