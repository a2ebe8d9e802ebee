import { Type } from 'typebox';
import { parseChannelName } from '../../../base/channel-name.ts';
import type { Services } from '../../services.ts';
import { ACCOUNT, callerOf } from '../app.ts';
import type { App } from '../app.ts';
import { channelField, ErrorSchema, oneOf, timestamp, toBase64, uuid } from '../fields.ts';

const Removal = Type.Object({
  id: Type.String(),
  identity: Type.String({ description: 'base64' }),
  requested_by: Type.String({ description: 'base64' }),
  signature: Type.String({ description: 'base64' }),
  created_at: timestamp('When it was asked for.'),
});

/** Whom members are asked to remove; for accounts that are in the channel. */
export function removalRoutes(app: App, { removals }: Services): void {
  app.get(
    '/v1/channels/removals',
    {
      config: ACCOUNT,
      schema: {
        tags: ['revocations'],
        summary: 'The agents that members of a channel are asked to remove, oldest first, at most 256',
        querystring: Type.Object({ channel: channelField() }),
        response: { 200: Type.Object({ removals: Type.Array(Removal) }), '4xx': ErrorSchema, '5xx': ErrorSchema },
      },
    },
    async (request) => {
      const open = await removals.open(callerOf(request).account, parseChannelName(request.query.channel));
      return {
        removals: open.map(({ id, identity, requestedBy, signature, createdAtMs }) => ({
          id,
          identity: toBase64(identity),
          requested_by: toBase64(requestedBy),
          signature: toBase64(signature),
          created_at: new Date(createdAtMs).toISOString(),
        })),
      };
    },
  );

  app.post(
    '/v1/channels/removals/:id/done',
    {
      config: ACCOUNT,
      schema: {
        tags: ['revocations'],
        summary: 'Tell that a member has removed the agent',
        params: Type.Object({ id: uuid('The removal.') }),
        body: Type.Object({}, { additionalProperties: false }),
        response: {
          200: Type.Object({ status: oneOf('', ['removed']) }),
          '4xx': ErrorSchema,
          '5xx': ErrorSchema,
        },
      },
    },
    async (request) => {
      await removals.done(callerOf(request).account, request.params.id);
      return { status: 'removed' as const };
    },
  );
}
