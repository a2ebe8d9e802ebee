import { describe, expect, test } from 'vitest';
import { createAuthenticator } from '../../../src/relay/access/index.ts';
import type { Authenticator, KeySetOptions } from '../../../src/relay/access/index.ts';
import { TestClock } from '../support/test-clock.ts';
import { startKeyServer } from './support/key-server.ts';
import type { KeyServer } from './support/key-server.ts';
import { claimsAt, eddsa, hs256, SECRET, signingKey } from './support/tokens.ts';

const [first, second] = [signingKey('first'), signingKey('second')];

interface Setup {
  readonly clock: TestClock;
  readonly keys: KeyServer;
  readonly authenticator: Authenticator;
  readonly token: (key?: typeof first, header?: object) => string;
}

async function setUp(options: Partial<KeySetOptions> = {}): Promise<Setup> {
  const clock = new TestClock();
  const keys = await startKeyServer([first]);
  const authenticator = createAuthenticator({ jwks: { url: keys.url, ...options }, clock });
  return { clock, keys, authenticator, token: (key = first, header = {}) => eddsa(claimsAt(clock.now()), key, header) };
}

const taken = { account: 'account-a' };
const refused = { code: 'auth_failed' };
const unavailable = { code: 'connection_error' };

describe('keys behind a URL', () => {
  test('are fetched once for many tokens, also at the same time', async () => {
    const { keys, authenticator, token } = await setUp();
    await Promise.all(Array.from({ length: 20 }, () => authenticator.authenticate(token())));
    expect(await authenticator.authenticate(token())).toMatchObject(taken);
    expect(keys.requests).toBe(1);
  });

  test('are found without a name only while there is one', async () => {
    const { keys, authenticator, token, clock } = await setUp();
    expect(await authenticator.authenticate(token(first, { kid: undefined }))).toMatchObject(taken);
    keys.serve([first, second]);
    clock.advance(600_000);
    await expect(authenticator.authenticate(token(first, { kid: undefined }))).rejects.toMatchObject(refused);
  });

  test('take both names of the algorithm', async () => {
    const { authenticator, token } = await setUp();
    expect(await authenticator.authenticate(token(first, { alg: 'Ed25519' }))).toMatchObject(taken);
  });

  test('are fetched again for an unknown key, not more often than the cool-down allows', async () => {
    const { clock, keys, authenticator, token } = await setUp();
    await authenticator.authenticate(token());
    keys.serve([first, second]);
    await expect(authenticator.authenticate(token(second))).rejects.toMatchObject(refused);
    expect(keys.requests).toBe(1);
    clock.advance(30_000);
    expect(await authenticator.authenticate(token(second))).toMatchObject(taken);
    for (let count = 0; count < 50; count += 1) {
      await expect(authenticator.authenticate(token(signingKey('invented')))).rejects.toMatchObject(refused);
    }
    expect(keys.requests).toBe(2);
  });

  test('that are withdrawn hold no longer than their age', async () => {
    const { clock, keys, authenticator, token } = await setUp();
    await authenticator.authenticate(token());
    keys.serve([second]);
    clock.advance(599_999);
    expect(await authenticator.authenticate(token())).toMatchObject(taken);
    clock.advance(1);
    await expect(authenticator.authenticate(token())).rejects.toMatchObject(refused);
  });

  test('stay in use while they cannot be fetched again', async () => {
    const { clock, keys, authenticator, token } = await setUp();
    await authenticator.authenticate(token());
    const failures: Parameters<KeyServer['respond']>[0][] = [
      (_, response) => void response.writeHead(503).end(),
      (request) => void request.socket.destroy(),
      (_, response) => void response.end('<html>'),
      (_, response) => void response.end('{"keys":7}'),
      (_, response) => void response.end(JSON.stringify({ keys: [], filler: 'x'.repeat(70_000) })),
      (_, response) => void response.writeHead(302, { location: 'http://127.0.0.1:1/' }).end(),
    ];
    for (const [index, respond] of failures.entries()) {
      keys.respond(respond);
      clock.advance(600_000);
      expect(await authenticator.authenticate(token())).toMatchObject(taken);
      expect(keys.requests).toBe(index + 2);
    }
    keys.serve([second]);
    clock.advance(30_000);
    expect(await authenticator.authenticate(token(second))).toMatchObject(taken);
  });

  test('that never could be fetched are no fault of the token', async () => {
    const { clock, keys, authenticator, token } = await setUp();
    keys.respond((_, response) => void response.writeHead(500).end());
    await expect(authenticator.authenticate(token())).rejects.toMatchObject(unavailable);
    await expect(authenticator.authenticate(token())).rejects.toMatchObject(unavailable);
    expect(keys.requests).toBe(1);
    keys.serve([first]);
    clock.advance(30_000);
    expect(await authenticator.authenticate(token())).toMatchObject(taken);
  });

  test('are not waited for without end', async () => {
    const { clock, keys, authenticator, token } = await setUp();
    const asked = new Promise<void>((resolve) => keys.respond(() => resolve()));
    const answer = authenticator.authenticate(token());
    await asked;
    clock.advance(5000);
    await expect(answer).rejects.toMatchObject(unavailable);
  });

  test('are not taken for what they are not', async () => {
    const { keys, authenticator, token } = await setUp();
    const forEncryption = { ...first, jwk: { ...first.jwk, use: 'enc' } };
    const shared = { kid: 'first', jwk: { kty: 'oct', k: 'AAAA', kid: 'first' }, privateKey: first.privateKey };
    keys.serve([forEncryption, shared]);
    await expect(authenticator.authenticate(token())).rejects.toMatchObject(refused);
  });

  test('do not let a public key sign in the place of a secret', async () => {
    const keys = await startKeyServer([first]);
    const clock = new TestClock();
    const both = createAuthenticator({ secrets: [{ secret: SECRET }], jwks: { url: keys.url }, clock });
    const claims = claimsAt(clock.now());
    expect(await both.authenticate(hs256(claims))).toMatchObject(taken);
    expect(await both.authenticate(eddsa(claims, first))).toMatchObject(taken);
    const publicKey = String(first.jwk['x']);
    await expect(both.authenticate(hs256(claims, publicKey, { kid: 'first' }))).rejects.toMatchObject(refused);
    await expect(both.authenticate(hs256(claims, publicKey))).rejects.toMatchObject(refused);
  });
});
