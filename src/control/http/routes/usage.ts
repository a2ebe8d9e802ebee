import { Type } from 'typebox';
import type { Services } from '../../services.ts';
import { ACCOUNT, callerOf } from '../app.ts';
import type { App } from '../app.ts';
import { ErrorSchema } from '../fields.ts';

const UsageOfMonth = Type.Object({
  account_id: Type.String(),
  period: Type.String({ description: 'First day of the calendar month, UTC.', format: 'date' }),
  token_exchanges: Type.Integer(),
  messages_relayed: Type.Integer(),
  plan_tier: Type.String(),
  limits: Type.Object({
    messages_per_month: Type.Union([Type.Integer(), Type.Null()], { description: '`null` for any number.' }),
  }),
});

/** What accounts have used. */
export function usageRoutes(app: App, { usage }: Services): void {
  app.get(
    '/v1/usage',
    {
      config: ACCOUNT,
      schema: {
        tags: ['usage'],
        summary: 'What the account has used this month',
        response: { 200: UsageOfMonth, '4xx': ErrorSchema, '5xx': ErrorSchema },
      },
    },
    (request) => usage.of(callerOf(request)),
  );
}
