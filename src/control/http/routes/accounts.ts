import { Type } from 'typebox';
import type { Services } from '../../services.ts';
import { ACCOUNT, ANONYMOUS, callerOf } from '../app.ts';
import type { App } from '../app.ts';
import { ErrorSchema, text, timestamp } from '../fields.ts';
import type { RateLimits } from '../rate-limits.ts';

const AccountFields = {
  id: Type.String(),
  email: Type.String(),
  name: Type.String(),
  plan_tier: Type.String({ description: 'The plan that counts now.' }),
  created_at: timestamp('When it was made.'),
};
const Account = Type.Object(AccountFields);

const NewAccount = Type.Object(
  {
    email: Type.String({
      description: 'Where its owner can be reached. It is not checked.',
      minLength: 1,
      maxLength: 254,
      pattern: '^[^\\s@\\u0000-\\u001f\\u007f-\\u009f]+@[^\\s@\\u0000-\\u001f\\u007f-\\u009f]+$',
    }),
    name: Type.Optional(text('For people.', 0, 128)),
  },
  { additionalProperties: false },
);

/** Accounts. */
export function accountRoutes(app: App, { accounts }: Services, limits: RateLimits): void {
  app.post(
    '/v1/accounts',
    {
      config: ANONYMOUS,
      schema: {
        tags: ['accounts'],
        summary: 'Make an account',
        description: 'Answers with its first API key, which is shown here and never again.',
        security: [],
        body: NewAccount,
        response: {
          200: Type.Object({ account: Account, api_key: Type.String({ description: 'Secret.' }) }),
          '4xx': ErrorSchema,
          '5xx': ErrorSchema,
        },
      },
    },
    async (request) => {
      await limits.accounts(request);
      const { email, name = '' } = request.body;
      const { account, apiKey } = await accounts.create(email, name);
      return { account, api_key: apiKey };
    },
  );

  app.get(
    '/v1/accounts/me',
    {
      config: ACCOUNT,
      schema: {
        tags: ['accounts'],
        summary: 'The account that the credentials belong to',
        response: { 200: Account, '4xx': ErrorSchema, '5xx': ErrorSchema },
      },
    },
    (request) => accounts.get(callerOf(request).account),
  );
}
