import { Type } from 'typebox';
import type { Services } from '../../services.ts';
import { ANONYMOUS, OPEN } from '../app.ts';
import type { App } from '../app.ts';
import { ErrorSchema } from '../fields.ts';

const Health = Type.Object({ status: Type.String() });

/** What the server says of itself. */
export function serviceRoutes(app: App, { health }: Services): void {
  for (const path of ['/health', '/v1/health']) {
    app.get(
      path,
      {
        config: OPEN,
        schema: {
          tags: ['service'],
          summary: 'Whether the server can do its work',
          security: [],
          response: { 200: Health, '4xx': ErrorSchema, '5xx': ErrorSchema },
        },
      },
      async () => {
        await health();
        return { status: 'ok' };
      },
    );
  }

  app.get('/openapi.json', { config: ANONYMOUS, schema: { hide: true } }, () => app.swagger());
}
