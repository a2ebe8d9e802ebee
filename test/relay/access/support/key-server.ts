import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';
import type { SigningKey } from './tokens.ts';

/** A server that publishes a key set, as an issuer does. */
export interface KeyServer {
  readonly url: string;
  /** How often it was asked. */
  readonly requests: number;
  /** Answers with these keys from now on. */
  serve(keys: readonly SigningKey[]): void;
  /** Answers in any other way from now on. */
  respond(handler: (request: IncomingMessage, response: ServerResponse) => void): void;
}

/** Starts one on a free port; it is closed when the test has finished. */
export async function startKeyServer(keys: readonly SigningKey[] = []): Promise<KeyServer> {
  let requests = 0;
  let handle = (_: IncomingMessage, response: ServerResponse): void => void response.end();
  const server = createServer((request, response) => {
    requests += 1;
    handle(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    return new Promise<void>((resolve) => void server.close(() => resolve()));
  });
  const keyServer: KeyServer = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/keys.json`,
    get requests() {
      return requests;
    },
    serve(next) {
      const body = JSON.stringify({ keys: next.map(({ jwk }) => jwk) });
      handle = (_, response) => void response.setHeader('content-type', 'application/json').end(body);
    },
    respond(handler) {
      handle = handler;
    },
  };
  keyServer.serve(keys);
  return keyServer;
}
