import { Type } from 'typebox';
import type { RevocationReason, RevocationView } from '../../revocations/revocation-view.ts';
import type { Services } from '../../services.ts';
import { ACCOUNT, callerOf, goneSignal } from '../app.ts';
import type { App } from '../app.ts';
import {
  base64,
  bytesOf,
  ErrorSchema,
  identityField,
  identityOf,
  MAX_IDENTITY_BYTES,
  oneOf,
  timestamp,
  uuid,
  waitField,
} from '../fields.ts';

const MAX_SIGNATURE_BYTES = 4096;
const REASONS: readonly RevocationReason[] = ['credential_compromise', 'key_rotation', 'policy_violation', 'other'];

const reason = oneOf('Why.', REASONS);

const NewRevocation = Type.Object(
  {
    identity: identityField(),
    reason,
    requested_by: Type.Optional(base64('For members: who asks.', MAX_IDENTITY_BYTES)),
    signature: Type.Optional(base64('For members: that it is them.', MAX_SIGNATURE_BYTES)),
  },
  { additionalProperties: false },
);

const Revocation = Type.Object({
  id: Type.String(),
  identity: Type.String({ description: 'base64' }),
  reason,
  status: oneOf('Done when every channel has removed the agent.', ['running', 'done']),
  keys_revoked: Type.Integer(),
  keys_shared: Type.Array(Type.String(), {
    description: 'Ids of keys that other agents use too, and that still work.',
  }),
  invites_revoked: Type.Integer(),
  channels: Type.Array(
    Type.Object({
      channel: Type.String(),
      status: oneOf('Whether its members have removed the agent.', ['queued', 'removed']),
    }),
  ),
  created_at: timestamp('When it was asked for.'),
});

/** Revocations of agents. */
export function revocationRoutes(app: App, { revocations }: Services): void {
  app.post(
    '/v1/revocations',
    {
      config: ACCOUNT,
      schema: {
        tags: ['revocations'],
        summary: 'Revoke an agent',
        description:
          'Ends the keys that only this agent uses, with their tokens and invites, and its join requests; asks members of its channels to remove it.',
        body: NewRevocation,
        response: { 200: Revocation, '4xx': ErrorSchema, '5xx': ErrorSchema },
      },
    },
    async (request) => {
      const { identity, reason, requested_by = '', signature = '' } = request.body;
      const asked = {
        identity: identityOf(identity),
        reason,
        requestedBy: bytesOf('requested_by', requested_by, 0, MAX_IDENTITY_BYTES),
        signature: bytesOf('signature', signature, 0, MAX_SIGNATURE_BYTES),
      };
      return shown(await revocations.create(callerOf(request).account, asked));
    },
  );

  app.get(
    '/v1/revocations',
    {
      config: ACCOUNT,
      schema: {
        tags: ['revocations'],
        summary: 'The revocations of the account, newest first, at most 256',
        response: { 200: Type.Object({ revocations: Type.Array(Revocation) }), '4xx': ErrorSchema, '5xx': ErrorSchema },
      },
    },
    async (request) => ({ revocations: (await revocations.list(callerOf(request).account)).map(shown) }),
  );

  app.get(
    '/v1/revocations/:id',
    {
      config: ACCOUNT,
      schema: {
        tags: ['revocations'],
        summary: 'How far a revocation is',
        description:
          'With `wait_seconds` and `since`: answers when another number of channels than `since` has removed the agent, or the wait is over.',
        params: Type.Object({ id: uuid('The revocation.') }),
        querystring: Type.Object({
          wait_seconds: Type.Optional(waitField()),
          since: Type.Optional(Type.Integer({ minimum: 0 })),
        }),
        response: { 200: Revocation, '4xx': ErrorSchema, '5xx': ErrorSchema },
      },
    },
    async (request, reply) => {
      const { wait_seconds = 0, since } = request.query;
      const wait = { since, timeoutMs: wait_seconds * 1000, signal: goneSignal(reply) };
      return shown(await revocations.get(callerOf(request).account, request.params.id, wait));
    },
  );
}

/** A copy that may be changed, as the schema's type wants it. */
function shown(view: RevocationView) {
  return { ...view, keys_shared: [...view.keys_shared], channels: [...view.channels] };
}
