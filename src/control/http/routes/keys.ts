import { Type } from 'typebox';
import type { Services } from '../../services.ts';
import { ACCOUNT, callerOf } from '../app.ts';
import type { App } from '../app.ts';
import { ErrorSchema, text, timestamp, uuid } from '../fields.ts';

const Prefix = Type.String({ description: 'The beginning of the key, to tell it from others.' });

const ListedKey = Type.Object({
  id: Type.String(),
  key_prefix: Prefix,
  name: Type.String(),
  last_used_at: Type.Union([timestamp('To within some seconds.'), Type.Null()]),
  created_at: timestamp('When it was made.'),
});

const NewKey = Type.Object({ name: Type.Optional(text('For people.', 0, 128)) }, { additionalProperties: false });

/** API keys. */
export function keyRoutes(app: App, { keys, flush }: Services): void {
  app.post(
    '/v1/keys',
    {
      config: ACCOUNT,
      schema: {
        tags: ['keys'],
        summary: 'Make an API key',
        description: 'Answers with the key, which is shown here and never again.',
        body: NewKey,
        response: {
          200: Type.Object({
            id: Type.String(),
            key_prefix: Prefix,
            name: Type.String(),
            key: Type.String({ description: 'Secret.' }),
          }),
          '4xx': ErrorSchema,
          '5xx': ErrorSchema,
        },
      },
    },
    async (request) => {
      const key = await keys.create(callerOf(request).account, request.body.name ?? 'default');
      return { id: key.id, key_prefix: key.prefix, name: key.name, key: key.text };
    },
  );

  app.get(
    '/v1/keys',
    {
      config: ACCOUNT,
      schema: {
        tags: ['keys'],
        summary: 'The API keys that are not revoked, newest first',
        response: { 200: Type.Object({ keys: Type.Array(ListedKey) }), '4xx': ErrorSchema, '5xx': ErrorSchema },
      },
    },
    async (request) => {
      await flush();
      return { keys: [...(await keys.list(callerOf(request).account))] };
    },
  );

  app.delete(
    '/v1/keys/:id',
    {
      config: ACCOUNT,
      schema: {
        tags: ['keys'],
        summary: 'Revoke an API key',
        description: 'It ends at once, with all tokens that were made from it.',
        params: Type.Object({ id: uuid('The key.') }),
        response: { 204: Type.Null(), '4xx': ErrorSchema, '5xx': ErrorSchema },
      },
    },
    async (request, reply) => {
      await keys.revoke(callerOf(request).account, request.params.id);
      return reply.code(204).send(null);
    },
  );
}
