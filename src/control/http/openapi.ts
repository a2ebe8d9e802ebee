import type { FastifyDynamicSwaggerOptions } from '@fastify/swagger';

/** What the OpenAPI document says beside what the schemas of the routes say. */
export const OPENAPI: NonNullable<FastifyDynamicSwaggerOptions['openapi']> = {
  openapi: '3.1.0',
  info: {
    title: 'Skytale control plane',
    description:
      'Accounts, API keys, tokens, channels, invites and join requests. It never sees a message, or a key of a group.',
    version: '1',
    license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
  },
  components: {
    securitySchemes: {
      credentials: {
        type: 'http',
        scheme: 'bearer',
        description: 'An API key (`sk_live_…`), or a token that was made from one.',
      },
    },
  },
  security: [{ credentials: [] }],
};
