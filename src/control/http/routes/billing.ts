import { Type } from 'typebox';
import type { Services } from '../../services.ts';
import { ACCOUNT, ANONYMOUS, callerOf } from '../app.ts';
import type { App } from '../app.ts';
import { ErrorSchema, oneOf, text, timestamp } from '../fields.ts';

const Standing = Type.Object({
  plan: Type.String(),
  status: oneOf('Whether it is paid for.', ['active', 'past_due']),
  current_period_end: Type.Union([timestamp('When it renews, or ends.'), Type.Null()]),
  cancel_at_period_end: Type.Boolean(),
});

/** Where people come back to when they have paid. */
export const RETURN_PATH = '/billing';

const RETURN_TEXT = 'Done. Tokens that are made from now on carry your plan: nothing else is to do.\n';

/** Plans, and where to pay for them. */
export function billingRoutes(app: App, { billing }: Services): void {
  app.get(
    '/v1/billing',
    {
      config: ACCOUNT,
      schema: {
        tags: ['billing'],
        summary: 'How the account stands with its plan',
        response: { 200: Standing, '4xx': ErrorSchema, '5xx': ErrorSchema },
      },
    },
    (request) => billing.of(callerOf(request).account),
  );

  app.post(
    '/v1/billing/checkout',
    {
      config: ACCOUNT,
      schema: {
        tags: ['billing'],
        summary: 'Where to pay for a plan',
        body: Type.Object({ tier: text('The name of the plan.', 1, 64) }, { additionalProperties: false }),
        response: { 200: Type.Object({ checkout_url: Type.String() }), '4xx': ErrorSchema, '5xx': ErrorSchema },
      },
    },
    async (request) => ({ checkout_url: await billing.checkout(callerOf(request).account, request.body.tier) }),
  );

  app.post(
    '/v1/billing/portal',
    {
      config: ACCOUNT,
      schema: {
        tags: ['billing'],
        summary: 'Where to manage how to pay',
        body: Type.Object({}, { additionalProperties: false }),
        response: { 200: Type.Object({ portal_url: Type.String() }), '4xx': ErrorSchema, '5xx': ErrorSchema },
      },
    },
    async (request) => ({ portal_url: await billing.portal(callerOf(request).account) }),
  );

  app.get(RETURN_PATH, { config: ANONYMOUS, schema: { hide: true } }, (_request, reply) =>
    reply.type('text/plain; charset=utf-8').send(RETURN_TEXT),
  );
}
