import type { Context } from '../context.ts';
import type { Caller } from '../keys/credentials.ts';
import { Refusal } from '../refusal.ts';
import type { RelayOperations } from '../relay/relay-operations.ts';
import { monthStart } from './month.ts';
import type { UsageCounter } from './usage-counter.ts';

/** What an account has used in this calendar month, UTC. */
export interface UsageView {
  readonly account_id: string;
  /** First day of the month: `2026-02-01`. */
  readonly period: string;
  readonly token_exchanges: number;
  readonly messages_relayed: number;
  readonly plan_tier: string;
  readonly limits: { readonly messages_per_month: number | null };
}

/** Tells what accounts have used and what their plan allows. */
export class Usage {
  readonly #context: Context;
  readonly #counter: UsageCounter;
  readonly #relay: RelayOperations;

  constructor(context: Context, counter: UsageCounter, relay: RelayOperations) {
    this.#context = context;
    this.#counter = counter;
    this.#relay = relay;
  }

  /** @throws {@link Refusal} 503 `relay_unavailable` if no relay says how many messages there were */
  async of({ account, plan }: Caller): Promise<UsageView> {
    const { database, clock, logger, plans } = this.#context;
    const month = monthStart(clock.now());
    const messages = this.#relay.usage(account).catch((error: unknown) => {
      logger.warn({ err: error }, 'no relay tells what an account has used');
      throw new Refusal(503, 'the relay does not answer, try again', 'relay_unavailable', 5);
    });
    const [relayed] = await Promise.all([messages, this.#counter.flush()]);
    const row = await database.first<{ token_exchanges: number }>(
      'SELECT token_exchanges FROM usage_months WHERE account = ? AND month_start = ?',
      ...[account, month],
    );
    return {
      account_id: account,
      period: new Date(month).toISOString().slice(0, 10),
      token_exchanges: row?.token_exchanges ?? 0,
      messages_relayed: relayed.messages,
      plan_tier: plan,
      limits: { messages_per_month: plans.messagesPerMonth(plan) ?? null },
    };
  }
}
