import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { seedOfRun } from '../support/seeded.ts';
import { base64, newInvite, newJoin } from './support/api.ts';
import { CHANNEL, startPlane } from './support/plane.ts';
import type { Plane } from './support/plane.ts';

interface Operation {
  readonly method: string;
  readonly path: string;
  readonly hasBody: boolean;
  readonly isOpen: boolean;
  readonly body: unknown;
  readonly parameters: readonly { readonly name: string; readonly in: string; readonly schema: unknown }[];
}

interface Document {
  readonly paths: Record<string, Record<string, Record<string, unknown>>>;
}

/** What the server's own document says there is. */
async function operations({ api }: Plane): Promise<Operation[]> {
  const { paths } = (await api.get('/openapi.json')).body as Document;
  return Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({
      method: method.toUpperCase(),
      path,
      hasBody: operation['requestBody'] !== undefined,
      isOpen: Array.isArray(operation['security']) && operation['security'].length === 0,
      body: (operation['requestBody'] as { content: Record<string, { schema: unknown }> } | undefined)?.content[
        'application/json'
      ]?.schema,
      parameters: (operation['parameters'] ?? []) as Operation['parameters'],
    })),
  );
}

const SOME_ID = '00000000-0000-4000-8000-000000000000';
const filled = (path: string): string =>
  path.replace('/invites/{id}', '/invites/AAAAAAAAAAAAAAAAAAAAAA').replaceAll(/\{\w+\}/g, SOME_ID);

const isError = (body: unknown): boolean =>
  typeof body === 'object' && body !== null && typeof (body as { error?: unknown }).error === 'string';

describe('bad input', () => {
  test('every endpoint asks for credentials, and takes none that are malformed', async () => {
    const plane = await startPlane();
    const all = await operations(plane);
    expect(all.length).toBeGreaterThan(25);
    for (const { method, path, isOpen } of all.filter((operation) => !operation.isOpen)) {
      expect(isOpen).toBe(false);
      const missing = await plane.api.send(method, filled(path));
      expect([path, missing.status, missing.body]).toEqual([
        path,
        401,
        { error: 'missing authorization header', code: 'auth_failed' },
      ]);
      for (const credential of [
        'x',
        'sk_live_',
        `sk_test_${'0'.repeat(16)}${'A'.repeat(43)}`,
        `sk_live_' OR 1=1 --`,
        'eyJ.e.e',
      ]) {
        expect(await plane.api.as(credential).send(method, filled(path))).toMatchObject({ status: 401 });
      }
    }
  });

  test('every endpoint with a body refuses what is no JSON object, other types, and too much', async () => {
    const plane = await startPlane();
    const { api } = await plane.account('alice');
    for (const { method, path, hasBody, isOpen } of await operations(plane)) {
      if (!hasBody) continue;
      const caller = isOpen ? plane.api : api;
      for (const body of ['{', '[]', 'null', '7', '"text"', '{"__proto__":{"a":1}}', '{"unknown":1}', '\u0000']) {
        const answer = await caller.send(method, filled(path), body);
        expect([path, body, answer.status, isError(answer.body)]).toEqual([path, body, 400, true]);
      }
      const large = await caller.send(method, filled(path), JSON.stringify({ large: 'x'.repeat(70_000) }));
      expect([path, large.status]).toEqual([path, 413]);
    }
  });

  test('the documented texts are said word for word', async () => {
    const { api, account } = await startPlane();
    const alice = await account('alice');
    for (const body of [{}, { email: '' }, undefined]) {
      const { status, body: told } = await api.post('/v1/accounts', body);
      expect([status, told]).toEqual([400, { error: 'email is required', code: 'bad_request' }]);
    }
    const unknown = `${alice.key.slice(0, 8)}${'0'.repeat(16)}${'A'.repeat(43)}`;
    expect((await api.as(unknown).get('/v1/keys')).body).toMatchObject({ error: 'invalid or revoked api key' });
    expect((await alice.api.get('/v1/nothing')).body).toMatchObject({ error: 'Not found' });
    expect((await alice.api.post('/v1/channels', { name: 'bad-name' })).body).toEqual({
      error: 'invalid channel name: bad-name (expected org/namespace/service)',
      code: 'channel_error',
    });
    for (const path of ['/health', '/v1/health']) expect((await api.get(path)).body).toEqual({ status: 'ok' });
  });

  test('text that is meant for a database or a header stays text', async () => {
    const plane = await startPlane();
    const name = `Robert'); DROP TABLE accounts;--`;
    const { body } = await plane.api.post('/v1/accounts', { email: "o'hara@example.org", name });
    const { api_key: key } = body as { api_key: string };
    const api = plane.api.as(key);
    expect((await api.get('/v1/accounts/me')).body).toMatchObject({ name, email: "o'hara@example.org" });
    expect(await api.post('/v1/keys', { name: 'a\r\nset-cookie: x=1' })).toMatchObject({ status: 400 });
    expect(await api.get(`/v1/channels/pending?channel=${encodeURIComponent("a/b/c' OR '1'='1")}`)).toMatchObject({
      status: 400,
      body: { code: 'channel_error' },
    });
    expect(await api.get(`/v1/channels/${encodeURIComponent("' OR 1=1 --")}`)).toMatchObject({ status: 400 });
    expect(await api.get('/v1/channels/%zz')).toMatchObject({ status: 400, body: { code: 'bad_request' } });
  });

  test('bytes that are no HTTP, and header fields without end, are answered in the documented shape', async () => {
    const { server } = await startPlane();
    const say = async (bytes: string): Promise<string> => {
      const socket = connect(server.port, '127.0.0.1');
      socket.end(bytes);
      return text(socket);
    };
    expect(await say('NONSENSE\r\n\r\n')).toMatch(/^HTTP\/1\.1 400 [^]*\{"error":"bad request"\}$/);
    expect(await say(`GET / HTTP/1.1\r\nhost: x\r\nx-large: ${'y'.repeat(20_000)}\r\n\r\n`)).toMatch(
      /^HTTP\/1\.1 431 [^]*\{"error":"the header fields are too large"\}$/,
    );
  });

  test('strangers are limited by their address, and good keys still work behind it', async () => {
    const plane = await startPlane({ limits: { accountsPerHour: 2, failedAuthenticationsPerMinute: 3 } });
    const alice = await plane.account('alice');
    await plane.account('bob');
    const third = await plane.api.post('/v1/accounts', { email: 'carol@example.org' });
    expect(third).toMatchObject({ status: 429, body: { code: 'rate_limited' } });
    expect(Number(third.headers.get('retry-after'))).toBeGreaterThan(0);

    const fresh = (await alice.api.post('/v1/keys')).body as { key: string };
    const forged = `${fresh.key.slice(0, -4)}AAAA`;
    for (let count = 0; count < 3; count += 1) {
      expect(await plane.api.as('wrong').get('/v1/keys')).toMatchObject({ status: 401 });
    }
    expect(await plane.api.as(forged).get('/v1/keys')).toMatchObject({ status: 429 });
    expect(await alice.api.get('/v1/keys')).toMatchObject({ status: 200 });
  });

  test('no log line holds a key, a token or what an agent sends', async () => {
    const lines: string[] = [];
    const note = (fields: object, message: string): void => void lines.push(JSON.stringify({ ...fields, message }));
    const plane = await startPlane({ logger: { debug: note, info: note, warn: note, error: note } });
    const { api, key } = await plane.account('alice');
    const { token } = (await api.post('/v1/tokens')).body as { token: string };
    await api.as(token).post('/v1/channels', { name: CHANNEL });
    const invite = newInvite(CHANNEL);
    await api.post('/v1/channels/invites', invite.body);
    await api.post('/v1/channels/join', newJoin(CHANNEL, invite, 'agent'));
    await api.as(`${key}x`).get('/v1/keys?secret=1');
    const log = lines.join('\n');
    expect(lines.length).toBeGreaterThan(5);
    for (const secret of [key, token, invite.redeemKey, base64('key package of agent'), 'secret=1', 'example.org']) {
      expect(log).not.toContain(secret);
    }
  });

  test(
    'whatever the OpenAPI document allows, and its neighbourhood, is answered without a 5xx',
    { timeout: 120_000 },
    async () => {
      const plane = await startPlane();
      const { api } = await plane.account('alice');
      await api.post('/v1/channels', { name: CHANNEL });
      const all = await operations(plane);
      const request = fc.constantFrom(...all).chain((operation) => {
        const query = operation.parameters.filter((parameter) => parameter.in === 'query');
        return fc.record({
          operation: fc.constant(operation),
          id: fc.oneof(fc.constant(SOME_ID), fc.string({ minLength: 1, unit: 'binary' })),
          body: fc.oneof(valueOf(operation.body), fc.jsonValue()),
          query: fc.record(Object.fromEntries(query.map(({ name, schema }) => [name, valueOf(schema)]))),
        });
      });
      const seen = new Map<string, number>();
      await fc.assert(
        fc.asyncProperty(request, async ({ operation, id, body, query }) => {
          const search = Object.entries(query as Record<string, unknown>)
            .map(([name, value]) => `${name}=${encodeURIComponent(wellFormed(String(value)))}`)
            .join('&');
          const path = operation.path.replaceAll(/\{\w+\}/g, () => encodeURIComponent(wellFormed(id)));
          const answer = await (operation.isOpen ? plane.api : api).send(
            operation.method,
            `${path}?${search}`,
            operation.hasBody ? JSON.stringify(body) : undefined,
          );
          seen.set(operation.path, (seen.get(operation.path) ?? 0) + 1);
          expect(answer.status).toBeLessThan(500);
          if (answer.status >= 400) expect(isError(answer.body)).toBe(true);
        }),
        { seed: seedOfRun(), numRuns: 300 },
      );
      expect(seen.size).toBeGreaterThan(15);
    },
  );
});

const wellFormed = (value: string): string => Buffer.from(value, 'utf8').toString('utf8');

interface Schema {
  readonly type?: string;
  readonly enum?: readonly unknown[];
  readonly properties?: Record<string, Schema>;
  readonly required?: readonly string[];
  readonly items?: Schema;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly maxLength?: number;
  readonly pattern?: string;
}

/** Values that a schema allows, and some that it nearly allows. */
function valueOf(given: unknown): fc.Arbitrary<unknown> {
  const schema = (given ?? {}) as Schema;
  if (schema.enum !== undefined) return fc.constantFrom(...schema.enum);
  switch (schema.type) {
    case 'object': {
      const properties = Object.entries(schema.properties ?? {}).map(
        ([name, inner]) => [name, valueOf(inner)] as const,
      );
      return fc.record(Object.fromEntries(properties), { requiredKeys: [...(schema.required ?? [])] });
    }
    case 'array':
      return fc.array(valueOf(schema.items), { maxLength: 4 });
    case 'integer':
      return fc.oneof(
        fc.integer({ min: schema.minimum ?? 0, max: (schema.minimum ?? 0) + 3 }),
        fc.maxSafeInteger(),
        fc.double(),
      );
    case 'string':
      return fc.oneof(
        fc.string({ unit: 'binary', maxLength: Math.min(schema.maxLength ?? 64, 64) }),
        fc.base64String({ maxLength: 64 }),
        fc.constantFrom(CHANNEL, 'agent@example.org', SOME_ID, 'AAAAAAAAAAAAAAAAAAAAAA', base64(new Uint8Array(32))),
      );
    default:
      return fc.jsonValue();
  }
}
