import { randomUUID } from 'node:crypto';
import type { PlanRow } from '../billing/plan-row.ts';
import { planState } from '../billing/plan-row.ts';
import type { Context } from '../context.ts';
import type { ApiKeys } from '../keys/api-keys.ts';
import { notFound, Refusal } from '../refusal.ts';

/** An account as the API shows it. */
export interface Account {
  readonly id: string;
  readonly email: string;
  readonly name: string;
  readonly plan_tier: string;
  readonly created_at: string;
}

interface AccountRow extends PlanRow {
  readonly id: string;
  readonly email: string;
  readonly name: string;
  readonly created_at: number;
}

/** Accounts, which own keys and channels. */
export class Accounts {
  readonly #context: Context;
  readonly #keys: ApiKeys;

  constructor(context: Context, keys: ApiKeys) {
    this.#context = context;
    this.#keys = keys;
  }

  /**
   * Makes an account with its first key, which is shown here and never again.
   *
   * @throws {@link Refusal} 409 `email_taken` if there is an account with this address, in whatever case it is written
   */
  async create(email: string, name: string): Promise<{ readonly account: Account; readonly apiKey: string }> {
    const { database, clock, plans } = this.#context;
    const [id, now] = [randomUUID(), clock.now()];
    const key = await this.#keys.prepare('default');
    try {
      await database.transaction(async (sql) => {
        await sql.run(
          `INSERT INTO accounts (id, email, email_key, name, created_at, plan, billing_status) VALUES (?, ?, ?, ?, ?, ?, 'active')`,
          ...[id, email, email.toLowerCase(), name, now, plans.basic],
        );
        await this.#keys.insert(sql, id, key, now);
      });
    } catch (error) {
      if (!database.isDuplicate(error)) throw error;
      throw new Refusal(409, 'an account with this email exists', 'email_taken');
    }
    return { account: await this.get(id), apiKey: key.text };
  }

  /** @throws {@link Refusal} 404 */
  async get(id: string): Promise<Account> {
    const { database, clock, plans } = this.#context;
    const row = await database.first<AccountRow>('SELECT * FROM accounts WHERE id = ?', id);
    if (row === undefined) throw notFound();
    return {
      id,
      email: row.email,
      name: row.name,
      plan_tier: plans.planAt(planState(row), clock.now()),
      created_at: new Date(row.created_at).toISOString(),
    };
  }
}
