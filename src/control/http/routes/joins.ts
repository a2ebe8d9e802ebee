import { Type } from 'typebox';
import { parseChannelName } from '../../../base/channel-name.ts';
import { JOIN_STATUSES } from '../../joins/join-status.ts';
import type { Services } from '../../services.ts';
import { ACCOUNT, callerOf, goneSignal } from '../app.ts';
import type { App } from '../app.ts';
import {
  base64,
  bytesOf,
  channelField,
  ErrorSchema,
  identityField,
  identityOf,
  oneOf,
  timestamp,
  uuid,
  waitField,
} from '../fields.ts';
import { inviteId } from './invite-id.ts';

const REDEEM_KEY_BYTES = 32;
const MAX_KEY_PACKAGE_BYTES = 16 * 1024;
const MAX_PROOF_BYTES = 4096;

const NewJoin = Type.Object(
  {
    channel: channelField(),
    invite_id: inviteId(),
    redeem_key: base64('From the invite token; compared with the verifier.', REDEEM_KEY_BYTES),
    identity: identityField(),
    key_package: base64('For members.', MAX_KEY_PACKAGE_BYTES),
    proof: base64('For members: that the key package comes from whom the invite was given to.', MAX_PROOF_BYTES),
  },
  { additionalProperties: false },
);

const status = oneOf('Where the request stands.', JOIN_STATUSES);

const Join = Type.Object({
  request_id: Type.String(),
  status,
  reason: Type.Optional(Type.String({ description: 'Why it has ended, if somebody said so.' })),
  expires_at: timestamp('When it ends if nobody decides on it.'),
});

const JoinId = Type.Object({ request_id: uuid('The request.') });

/** Join requests as joiners see them. Any account may join that holds an invite. */
export function joinRoutes(app: App, { joinRequests }: Services): void {
  app.post(
    '/v1/channels/join',
    {
      config: ACCOUNT,
      schema: {
        tags: ['joining'],
        summary: 'Ask to be let into a channel, with an invite',
        description: 'Takes the place of an open request of the same identity under the same invite.',
        body: NewJoin,
        response: { 202: Join, '4xx': ErrorSchema, '5xx': ErrorSchema },
      },
    },
    async (request, reply) => {
      const { channel, invite_id, redeem_key, identity, key_package, proof } = request.body;
      const join = await joinRequests.request(callerOf(request).account, {
        channel: parseChannelName(channel),
        inviteId: invite_id,
        redeemKey: bytesOf('redeem_key', redeem_key, REDEEM_KEY_BYTES, REDEEM_KEY_BYTES),
        identity: identityOf(identity),
        keyPackage: bytesOf('key_package', key_package, 1, MAX_KEY_PACKAGE_BYTES),
        proof: bytesOf('proof', proof, 0, MAX_PROOF_BYTES),
      });
      return reply.code(202).send(join);
    },
  );

  app.get(
    '/v1/channels/join/:request_id',
    {
      config: ACCOUNT,
      schema: {
        tags: ['joining'],
        summary: 'Where a join request stands',
        description:
          'With `wait_seconds` and `since`: answers when the status is another than `since`, or the wait is over.',
        params: JoinId,
        querystring: Type.Object({ wait_seconds: Type.Optional(waitField()), since: Type.Optional(status) }),
        response: { 200: Join, '4xx': ErrorSchema, '5xx': ErrorSchema },
      },
    },
    (request, reply) => {
      const { wait_seconds = 0, since } = request.query;
      const wait = { since, timeoutMs: wait_seconds * 1000, signal: goneSignal(reply) };
      return joinRequests.status(callerOf(request).account, request.params.request_id, wait);
    },
  );

  app.delete(
    '/v1/channels/join/:request_id',
    {
      config: ACCOUNT,
      schema: {
        tags: ['joining'],
        summary: 'Take a join request back',
        params: JoinId,
        response: { 204: Type.Null(), '4xx': ErrorSchema, '5xx': ErrorSchema },
      },
    },
    async (request, reply) => {
      await joinRequests.cancel(callerOf(request).account, request.params.request_id);
      return reply.code(204).send(null);
    },
  );
}
