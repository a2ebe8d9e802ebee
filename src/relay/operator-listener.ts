import { once } from 'node:events';
import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { TransportError } from '../base/errors.ts';
import { answerHttp } from './front/index.ts';
import type { HttpRoutes } from './front/index.ts';

/** A plain HTTP server for the operator's tools. */
export interface OperatorListener {
  readonly port: number;
  close(): Promise<void>;
}

/** A scraper and a few balancers; more is a mistake. */
const MAX_CONNECTIONS = 64;
const TIMEOUTS = { headersTimeout: 5_000, requestTimeout: 5_000, keepAliveTimeout: 5_000 };

/**
 * Answers what `routes` has; anything else is 404 or 405.
 *
 * @throws {@link TransportError} `connection_error` if the address cannot be listened on.
 */
export async function listenForOperator(
  { host, port }: { readonly host: string; readonly port: number },
  routes: HttpRoutes,
): Promise<OperatorListener> {
  const server = createServer(TIMEOUTS, (request, response) => {
    void answer(request, response, routes);
  });
  server.maxConnections = MAX_CONNECTIONS;
  server.listen(port, host);
  try {
    await once(server, 'listening');
  } catch (cause) {
    throw new TransportError('connection_error', `cannot listen on port ${port} of ${host}`, { cause });
  }
  return {
    port: (server.address() as AddressInfo).port,
    close: async () => {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

async function answer(request: IncomingMessage, response: ServerResponse, routes: HttpRoutes): Promise<void> {
  const { method = '', url: target = '', headers: asked } = request;
  const { authorization } = asked;
  const { status, headers, body } = await answerHttp(routes, { method, target, authorization, body: request });
  request.resume(); // what is left of a body is of no use
  response.writeHead(status, headers);
  response.end(body);
}
