import { once } from 'node:events';
import { createServer } from 'node:http';
import type { IncomingMessage, RequestListener, Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Clock } from '../../src/base/clock.ts';
import { exchangeToken } from '../../src/transport/index.ts';
import type { ExchangeTokenOptions } from '../../src/transport/index.ts';
import { ManualClock } from '../streams/support.ts';
import { freePort } from '../support/free-port.ts';

const API_KEY = 'sk_test_0123456789abcdef';

/** Waits take no time, and are noted. A request's timeout never fires. */
class ImpatientClock implements Clock {
  readonly waits: number[] = [];

  now(): number {
    return 0;
  }

  schedule(delayMs: number, task: () => void): () => void {
    if (delayMs === 10_000) return () => undefined;
    this.waits.push(delayMs);
    queueMicrotask(task);
    return () => undefined;
  }
}

describe('exchangeToken', () => {
  let server: Server;
  let apiUrl: string;
  let requests: IncomingMessage[];
  let answer: RequestListener;
  let clock: ImpatientClock;

  const exchange = (options: Partial<ExchangeTokenOptions> = {}): Promise<string> =>
    exchangeToken({ apiKey: API_KEY, apiUrl, clock, ...options });
  const answerWith =
    (status: number, body = ''): RequestListener =>
    (_, response) =>
      response.writeHead(status, { connection: 'close' }).end(body);

  beforeEach(async () => {
    requests = [];
    clock = new ImpatientClock();
    answer = answerWith(200, '{"token":"eyJ.payload.signature"}');
    server = createServer((request, response) => {
      requests.push(request);
      answer(request, response);
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    apiUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterEach(async () => {
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  });

  it('posts the key and returns the token', async () => {
    await expect(exchange()).resolves.toBe('eyJ.payload.signature');

    expect(requests).toHaveLength(1);
    expect(requests[0]).toMatchObject({
      method: 'POST',
      url: '/v1/tokens',
      headers: { authorization: `Bearer ${API_KEY}` },
    });
  });

  it('leaves no timer behind', async () => {
    const manual = new ManualClock();
    await exchange({ clock: manual });
    answer = answerWith(401);
    await expect(exchange({ clock: manual })).rejects.toMatchObject({ code: 'auth_failed' });

    expect(manual.pending).toBe(0);
  });

  it.each(['', '/', '/base', '/base/?query#hash'])('finds the tokens under an API at %j', async (path) => {
    await exchange({ apiUrl: `${apiUrl}${path}` });
    expect(requests[0]!.url).toBe(path.startsWith('/base') ? '/base/v1/tokens' : '/v1/tokens');
  });

  it.each(['', 'secret', 'sk_live_', 'sk_prod_0123', ' sk_live_0123', 'sk_live_0123\n', 'pk_live_0123'])(
    'refuses the key %j before it sends anything, without repeating it',
    async (apiKey) => {
      const error: unknown = await exchange({ apiKey }).catch((thrown: unknown) => thrown);

      expect(error).toMatchObject({ code: 'auth_key_invalid', httpStatus: 401 });
      if (apiKey !== '' && apiKey !== 'sk_live_') expect((error as Error).message).not.toContain(apiKey.trim());
      expect(requests).toHaveLength(0);
    },
  );

  it.each([
    [401, 'auth_failed'],
    [403, 'unauthorized'],
    [404, 'transport_error'],
    [429, 'limit_exceeded'],
  ])('rejects at once on status %i with %s', async (status, code) => {
    answer = answerWith(status, '{"error":"no"}');

    await expect(exchange()).rejects.toMatchObject({ code });
    expect(requests).toHaveLength(1);
  });

  it.each(['', 'eyJ.secret.token', '{}', '{"token":7}', '{"token":""}', 'null', '[]'])(
    'rejects the answer %j, without repeating it',
    async (body) => {
      answer = answerWith(200, body);
      const error = (await exchange().catch((thrown: unknown) => thrown)) as Error;

      expect(error).toMatchObject({ code: 'protocol_error' });
      expect(error.cause).toBeUndefined();
      expect(error.message).not.toContain('eyJ');
      expect(requests).toHaveLength(1);
    },
  );

  it('gets past a server that has trouble for a while, waiting longer each time', async () => {
    answer = (request, response) => {
      if (requests.length < 4) answerWith(503)(request, response);
      else answerWith(200, '{"token":"late"}')(request, response);
    };

    const random = { fraction: () => 0, bytes: (length: number) => new Uint8Array(length) };
    await expect(exchange({ random })).resolves.toBe('late');
    expect(clock.waits).toEqual([200, 400, 800]);
  });

  it('gets past a connection that breaks', async () => {
    answer = (request, response) => {
      if (requests.length === 1) request.socket.destroy();
      else answerWith(200, '{"token":"second"}')(request, response);
    };

    await expect(exchange()).resolves.toBe('second');
  });

  it('gives up after four tries and says what the last one met', async () => {
    answer = answerWith(500);

    await expect(exchange()).rejects.toMatchObject({
      code: 'transport_error',
      message: 'transport error: the control plane answered with HTTP status 500',
    });
    expect(requests).toHaveLength(4);
  });

  it('gives up on a server that is not there', async () => {
    apiUrl = `http://127.0.0.1:${await freePort()}`;

    await expect(exchange()).rejects.toMatchObject({ code: 'connection_error' });
    expect(clock.waits).toHaveLength(3);
  });

  it('gives up on a server that does not answer', async () => {
    answer = () => undefined;

    await expect(exchange({ requestTimeoutMs: 1 })).rejects.toMatchObject({
      code: 'connection_error',
      cause: { message: 'no answer within 1 ms' },
    });
  });

  it('does not carry the key to where a redirect points', async () => {
    answer = (request, response) => {
      if (request.url === '/v1/tokens') response.writeHead(307, { location: '/elsewhere', connection: 'close' }).end();
      else answerWith(200, '{"token":"stolen"}')(request, response);
    };

    await expect(exchange()).rejects.toMatchObject({ code: 'connection_error' });
    expect(new Set(requests.map(({ url }) => url))).toEqual(new Set(['/v1/tokens']));
  });

  it.each(['', 'api.skytale.sh', 'ftp://api.skytale.sh', 'https://user:pass@api.skytale.sh'])(
    'refuses the address %j',
    async (address) => {
      await expect(exchange({ apiUrl: address })).rejects.toMatchObject({ code: 'invalid_argument' });
    },
  );

  it('stops with the reason of the signal, before, during and between the tries', async () => {
    await expect(exchange({ signal: AbortSignal.abort('before') })).rejects.toBe('before');
    expect(requests).toHaveLength(0);

    const during = new AbortController();
    answer = () => during.abort('during');
    await expect(exchange({ signal: during.signal })).rejects.toBe('during');

    const between = new AbortController();
    answer = answerWith(503);
    const never: Clock = {
      now: () => 0,
      schedule: (delayMs) => {
        if (delayMs !== 10_000) queueMicrotask(() => between.abort('between'));
        return () => undefined;
      },
    };
    await expect(exchange({ signal: between.signal, clock: never })).rejects.toBe('between');
    expect(requests).toHaveLength(2);
  });
});
