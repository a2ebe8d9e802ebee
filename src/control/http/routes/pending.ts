import { Type } from 'typebox';
import { parseChannelName } from '../../../base/channel-name.ts';
import { JOIN_STATUSES } from '../../joins/join-status.ts';
import type { PendingJoin } from '../../joins/join-desk.ts';
import type { Services } from '../../services.ts';
import { ACCOUNT, callerOf } from '../app.ts';
import type { App } from '../app.ts';
import { channelField, ErrorSchema, oneOf, text, timestamp, toBase64, uuid } from '../fields.ts';

/** Requests that one claim may take. */
const MAX_CLAIM = 256;

const Pending = Type.Object({
  id: Type.String(),
  identity: Type.String({ description: 'base64' }),
  key_package: Type.String({ description: 'base64' }),
  proof: Type.String({ description: 'base64' }),
  invite_id: Type.String(),
  invite_record: Type.String({ description: 'base64' }),
  approval: oneOf('Whether members admit by themselves, or ask somebody.', ['automatic', 'manual']),
  created_at: timestamp('When it was made.'),
  status: oneOf('Where the request stands.', JOIN_STATUSES),
});
const Requests = Type.Object({ requests: Type.Array(Pending) });

const Claim = Type.Object(
  {
    channel: channelField(),
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: MAX_CLAIM, default: 64 })),
    ids: Type.Optional(Type.Array(uuid('A request.'), { maxItems: MAX_CLAIM })),
  },
  { additionalProperties: false },
);

const Admission = Type.Object(
  {
    epoch: Type.Integer({ description: 'That the commit has led to.', minimum: 0, maximum: Number.MAX_SAFE_INTEGER }),
    seq: Type.Integer({ description: "The commit's number in the log.", minimum: 0, maximum: Number.MAX_SAFE_INTEGER }),
  },
  { additionalProperties: false },
);

const Denial = Type.Object({ reason: text('For the joiner.', 0, 256) }, { additionalProperties: false });
const Decision = Type.Object({ status: oneOf('Where the request stands.', JOIN_STATUSES) });
const Nothing = Type.Object({}, { additionalProperties: false });
const Id = Type.Object({ id: uuid('The request.') });

/** Join requests as members see them; for accounts that are in the channel. */
export function pendingRoutes(app: App, { joinDesk }: Services): void {
  const decision = (summary: string) =>
    ({
      tags: ['joining'],
      summary,
      params: Id,
      response: { 200: Decision, '4xx': ErrorSchema, '5xx': ErrorSchema },
    }) as const;

  app.get(
    '/v1/channels/pending',
    {
      config: ACCOUNT,
      schema: {
        tags: ['joining'],
        summary: 'The open join requests of a channel, oldest first, at most 256',
        querystring: Type.Object({ channel: channelField() }),
        response: { 200: Requests, '4xx': ErrorSchema, '5xx': ErrorSchema },
      },
    },
    async (request) => {
      const channel = parseChannelName(request.query.channel);
      return { requests: (await joinDesk.pending(callerOf(request).account, channel)).map(shown) };
    },
  );

  app.post(
    '/v1/channels/pending/claim',
    {
      config: ACCOUNT,
      schema: {
        tags: ['joining'],
        summary: 'Take join requests for ten seconds, so that not every member works on them',
        description: 'Without `ids`: those that members decide on by themselves.',
        body: Claim,
        response: { 200: Requests, '4xx': ErrorSchema, '5xx': ErrorSchema },
      },
    },
    async (request) => {
      const { channel, limit = 64, ids } = request.body;
      const claim = { channel: parseChannelName(channel), limit, ids };
      return { requests: (await joinDesk.claim(callerOf(request).account, claim)).map(shown) };
    },
  );

  app.post(
    '/v1/channels/pending/:id/admit',
    {
      config: ACCOUNT,
      schema: { ...decision('Tell that a member has added the joiner to the group'), body: Admission },
    },
    async (request) => {
      const { epoch, seq } = request.body;
      await joinDesk.admit(callerOf(request).account, request.params.id, epoch, seq);
      return { status: 'admitted' as const };
    },
  );

  app.post(
    '/v1/channels/pending/:id/deny',
    { config: ACCOUNT, schema: { ...decision('Refuse a join request'), body: Denial } },
    async (request) => {
      await joinDesk.deny(callerOf(request).account, request.params.id, request.body.reason);
      return { status: 'denied' as const };
    },
  );

  app.post(
    '/v1/channels/pending/:id/release',
    { config: ACCOUNT, schema: { ...decision('Give a claimed join request back'), body: Nothing } },
    async (request) => {
      await joinDesk.release(callerOf(request).account, request.params.id);
      return { status: 'waiting' as const };
    },
  );
}

function shown(join: PendingJoin) {
  return {
    id: join.id,
    identity: toBase64(join.identity),
    key_package: toBase64(join.keyPackage),
    proof: toBase64(join.proof),
    invite_id: join.inviteId,
    invite_record: toBase64(join.inviteRecord),
    approval: join.approval,
    created_at: new Date(join.createdAtMs).toISOString(),
    status: join.status,
  };
}
