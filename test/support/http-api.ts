import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** An HTTP server that stands where a control plane would. */
export interface HttpApi extends AsyncDisposable {
  readonly url: string;
  /** `POST /v1/tokens`, one for each request, as they came. */
  readonly requests: string[];
}

/** Starts a server on a free port that answers as it is told. */
export async function startHttpApi(
  answer: (request: IncomingMessage, response: ServerResponse) => void,
): Promise<HttpApi> {
  const requests: string[] = [];
  const server = createServer((request, response) => {
    requests.push(`${request.method} ${request.url}`);
    request.resume();
    answer(request, response);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

/** Answers everything with one status. */
export function always(status: number, body: unknown = { error: 'no' }) {
  return (_request: IncomingMessage, response: ServerResponse): void => {
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  };
}
