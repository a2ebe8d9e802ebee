import { Type } from 'typebox';
import { parseChannelName } from '../../../base/channel-name.ts';
import type { Services } from '../../services.ts';
import { ACCOUNT, callerOf } from '../app.ts';
import type { App } from '../app.ts';
import { base64, bytesOf, channelField, ErrorSchema, oneOf, timestamp } from '../fields.ts';
import { inviteId } from './invite-id.ts';

const MAX_RECORD_BYTES = 8192;
const VERIFIER_BYTES = 32;

const approval = oneOf('Whether members admit by themselves, or ask somebody.', ['automatic', 'manual']);

const NewInvite = Type.Object(
  {
    channel: channelField(),
    max_uses: Type.Optional(Type.Integer({ minimum: 1, maximum: 10_000, default: 1 })),
    ttl_seconds: Type.Optional(Type.Integer({ minimum: 60, maximum: 2_592_000, default: 3600 })),
    approval: Type.Optional(approval),
    id: inviteId(),
    verifier: base64('SHA-256 of the redeem key.', VERIFIER_BYTES),
    record: base64('What the inviting member has signed, for members.', MAX_RECORD_BYTES),
  },
  { additionalProperties: false },
);

const Invite = Type.Object({
  id: Type.String(),
  channel: Type.String(),
  max_uses: Type.Integer(),
  uses: Type.Integer({ description: 'Agents that wait or were admitted.' }),
  approval,
  expires_at: timestamp('When it ends.'),
  created_at: timestamp('When it was made.'),
});

/** Invites. Their secrets are made by members, and stay with them. */
export function inviteRoutes(app: App, { invites }: Services): void {
  app.post(
    '/v1/channels/invites',
    {
      config: ACCOUNT,
      schema: {
        tags: ['invites'],
        summary: 'Register an invite that a member has made',
        body: NewInvite,
        response: { 200: Invite, '4xx': ErrorSchema, '5xx': ErrorSchema },
      },
    },
    (request) => {
      const { channel, id, max_uses = 1, ttl_seconds = 3600, approval = 'automatic', verifier, record } = request.body;
      return invites.create(callerOf(request), {
        channel: parseChannelName(channel),
        id,
        maxUses: max_uses,
        ttlSeconds: ttl_seconds,
        approval,
        verifier: bytesOf('verifier', verifier, VERIFIER_BYTES, VERIFIER_BYTES),
        record: bytesOf('record', record, 0, MAX_RECORD_BYTES),
      });
    },
  );

  app.get(
    '/v1/channels/invites',
    {
      config: ACCOUNT,
      schema: {
        tags: ['invites'],
        summary: 'The invites of a channel that can be used, newest first',
        querystring: Type.Object({ channel: channelField() }),
        response: { 200: Type.Object({ invites: Type.Array(Invite) }), '4xx': ErrorSchema, '5xx': ErrorSchema },
      },
    },
    async (request) => {
      const channel = parseChannelName(request.query.channel);
      return { invites: [...(await invites.list(callerOf(request).account, channel))] };
    },
  );

  app.delete(
    '/v1/channels/invites/:id',
    {
      config: ACCOUNT,
      schema: {
        tags: ['invites'],
        summary: 'Revoke an invite',
        description: 'For who made it, and for the account that owns the channel. Requests under it are denied.',
        params: Type.Object({ id: inviteId() }),
        response: { 204: Type.Null(), '4xx': ErrorSchema, '5xx': ErrorSchema },
      },
    },
    async (request, reply) => {
      await invites.revoke(callerOf(request).account, request.params.id);
      return reply.code(204).send(null);
    },
  );
}
