import { Type } from 'typebox';
import type { Services } from '../../services.ts';
import { ACCOUNT, callerOf } from '../app.ts';
import type { App } from '../app.ts';
import { ErrorSchema, identityField, identityOf } from '../fields.ts';

const Exchange = Type.Object({ identity: Type.Optional(identityField()) }, { additionalProperties: false });

/** The exchange of credentials for short-lived tokens. */
export function tokenRoutes(app: App, { tokens }: Services): void {
  app.post(
    '/v1/tokens',
    {
      config: ACCOUNT,
      schema: {
        tags: ['tokens'],
        summary: 'Exchange credentials for a token that relays take',
        description:
          'The token (JWT, HS256) holds for an hour. With an `identity`, the API key is bound to that agent, and ends when it is revoked.',
        body: Exchange,
        response: { 200: Type.Object({ token: Type.String() }), '4xx': ErrorSchema, '5xx': ErrorSchema },
      },
    },
    async (request) => {
      const { identity } = request.body;
      return {
        token: await tokens.exchange(callerOf(request), identity === undefined ? undefined : identityOf(identity)),
      };
    },
  );
}
