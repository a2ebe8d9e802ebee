import { Type } from 'typebox';
import { parseChannelName } from '../../../base/channel-name.ts';
import type { Services } from '../../services.ts';
import { ACCOUNT, callerOf } from '../app.ts';
import type { App } from '../app.ts';
import { channelField, ErrorSchema, identityField, identityOf, timestamp, uuid } from '../fields.ts';

const Channel = Type.Object({
  id: Type.String(),
  name: Type.String(),
  member_count: Type.Integer({ description: 'Agents that this server knows of.' }),
  created_at: timestamp('When it was registered.'),
  last_message_at: Type.Union([timestamp('Not known to this server.'), Type.Null()]),
});

const NewChannel = Type.Object(
  { name: channelField(), identity: Type.Optional(identityField()) },
  { additionalProperties: false },
);

/** Channels. */
export function channelRoutes(app: App, { channels }: Services): void {
  app.post(
    '/v1/channels',
    {
      config: ACCOUNT,
      schema: {
        tags: ['channels'],
        summary: 'Register a channel',
        description: 'Again by an account that is in it: the same channel.',
        body: NewChannel,
        response: { 200: Channel, '4xx': ErrorSchema, '5xx': ErrorSchema },
      },
    },
    (request) => {
      const { name, identity } = request.body;
      const { account } = callerOf(request);
      return channels.create(
        account,
        parseChannelName(name),
        identity === undefined ? undefined : identityOf(identity),
      );
    },
  );

  app.get(
    '/v1/channels',
    {
      config: ACCOUNT,
      schema: {
        tags: ['channels'],
        summary: 'The channels that the account is in',
        response: { 200: Type.Object({ channels: Type.Array(Channel) }), '4xx': ErrorSchema, '5xx': ErrorSchema },
      },
    },
    async (request) => ({ channels: [...(await channels.list(callerOf(request).account))] }),
  );

  app.get(
    '/v1/channels/:id',
    {
      config: ACCOUNT,
      schema: {
        tags: ['channels'],
        summary: 'A channel that the account is in',
        params: Type.Object({ id: uuid('The channel.') }),
        response: { 200: Channel, '4xx': ErrorSchema, '5xx': ErrorSchema },
      },
    },
    (request) => channels.get(callerOf(request).account, request.params.id),
  );
}
