import { generateKeyPairSync, sign } from 'node:crypto';
import { inspect } from 'node:util';
import { describe, expect, test } from 'vitest';
import { createAuthenticator } from '../../../src/relay/access/index.ts';
import type { AuthenticatorOptions, Principal } from '../../../src/relay/access/index.ts';
import { TestClock } from '../support/test-clock.ts';
import { claimsAt, encode, hs256, OTHER_SECRET, SECRET } from './support/tokens.ts';

const clock = new TestClock();
const NOW = clock.now();
const NOW_S = NOW / 1000;

function verify(token: string | undefined, options: Partial<AuthenticatorOptions> = {}): Promise<Principal> {
  return createAuthenticator({ secrets: [{ secret: SECRET }], clock, ...options }).authenticate(token);
}

const claims = (changes: Record<string, unknown> = {}): Record<string, unknown> => claimsAt(NOW, changes);
const token = (changes: Record<string, unknown> = {}): string => hs256(claims(changes));

describe('a token that is taken', () => {
  test('says account, plan, all scopes, quota and end', async () => {
    expect(await verify(token({ plan: 'free' }))).toEqual({
      account: 'account-a',
      plan: 'free',
      scopes: new Set(['create', 'read', 'write', 'commit']),
      messagesPerMonth: 100_000,
      expiresAtMs: NOW + 3_600_000,
      validForMs: 3_630_000,
    });
  });

  test.each([
    ['read', ['read']],
    ['write commit', ['write', 'commit']],
    ['read admin', ['read']],
    ['', []],
  ])('has the scopes of the claim "%s"', async (scope, scopes) => {
    expect((await verify(token({ scope }))).scopes).toEqual(new Set(scopes));
  });

  test.each([
    ['free', 100_000],
    ['pro', 1_000_000],
    ['enterprise', undefined],
  ])('of the plan %s has its quota', async (plan, messagesPerMonth) => {
    expect((await verify(token({ plan }))).messagesPerMonth).toBe(messagesPerMonth);
  });

  test('of an unknown plan counts as the plan that is configured for that', async () => {
    const options = { plans: { trial: { messagesPerMonth: 10 } }, unknownPlan: 'trial' };
    expect(await verify(token({ plan: 'free' }), options)).toMatchObject({ plan: 'trial', messagesPerMonth: 10 });
    expect(await verify(token({ plan: undefined }), options)).toMatchObject({ plan: 'trial' });
  });

  test.each([
    ['expired within the leeway', { exp: NOW_S - 29 }],
    ['becomes valid within the leeway', { nbf: NOW_S + 29 }],
    ['was made in the future within the leeway', { iat: NOW_S + 29 }],
    ['does not say when it was made', { iat: undefined }],
    ['ends at a fraction of a second', { exp: NOW_S + 0.5 }],
  ])('%s', async (_, changes) => {
    expect((await verify(token(changes))).account).toBe('account-a');
  });

  test('is of the audience that is configured', async () => {
    expect(await verify(token({ aud: ['x', 'relay-1'] }), { audience: 'relay-1' })).toMatchObject({
      plan: 'enterprise',
    });
  });

  test('was made with either secret while they are rotated, with and without their names', async () => {
    const secrets = [{ secret: SECRET }, { kid: 'next', secret: OTHER_SECRET }];
    const both = createAuthenticator({ secrets, clock });
    for (const made of [
      hs256(claims()),
      hs256(claims(), OTHER_SECRET),
      hs256(claims(), OTHER_SECRET, { kid: 'next' }),
    ]) {
      expect((await both.authenticate(made)).account).toBe('account-a');
    }
  });
});

describe('a token that is refused', () => {
  const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const rs256 = (): string => {
    const signed = `${encode({ alg: 'RS256' })}.${encode(claims())}`;
    return `${signed}.${sign('sha256', Buffer.from(signed), rsa.privateKey).toString('base64url')}`;
  };
  const publicPem = rsa.publicKey.export({ format: 'pem', type: 'spki' }) as string;
  const [header, body, signature] = token().split('.') as [string, string, string];

  const cases: Record<string, { token: string | undefined; options?: Partial<AuthenticatorOptions>; text: string }> = {
    'none at all': { token: undefined, text: 'asks for a token' },
    'an empty one': { token: '', text: 'asks for a token' },
    'no token': { token: 'hello', text: 'malformed' },
    'three dots and nothing': { token: '..', text: 'malformed' },
    'a header that is no JSON': { token: `eyJ.${body}.${signature}`, text: 'malformed' },
    'claims that are no object': { token: hs256([1]), text: 'malformed' },
    'alg none': { token: `${encode({ alg: 'none' })}.${body}.`, text: 'algorithm' },
    'alg none with a signature': { token: `${encode({ alg: 'none' })}.${body}.${signature}`, text: 'algorithm' },
    'another alg than configured': { token: rs256(), text: 'algorithm' },
    'HS512 with the secret': { token: hs256(claims(), SECRET, { alg: 'HS512' }), text: 'algorithm' },
    'EdDSA without a key set': { token: hs256(claims(), SECRET, { alg: 'EdDSA' }), text: 'algorithm' },
    'a public key used as secret': { token: hs256(claims(), publicPem), text: 'not made with a key' },
    'another secret': { token: hs256(claims(), OTHER_SECRET), text: 'not made with a key' },
    'changed claims': { token: `${header}.${encode(claims({ sub: 'b' }))}.${signature}`, text: 'not made with a key' },
    'no signature': { token: `${header}.${body}.`, text: 'not made with a key' },
    'a kid that is not configured': { token: hs256(claims(), SECRET, { kid: 'x' }), text: 'not made with a key' },
    'a kid that is no text': { token: hs256(claims(), SECRET, { kid: 7 }), text: 'malformed' },
    'the kid of another secret': {
      token: hs256(claims(), OTHER_SECRET, { kid: 'a' }),
      options: {
        secrets: [
          { kid: 'a', secret: SECRET },
          { kid: 'b', secret: OTHER_SECRET },
        ],
      },
      text: 'not made with a key',
    },
    'a critical extension': { token: hs256(claims(), SECRET, { crit: ['x'], x: 1 }), text: 'malformed' },
    expired: { token: token({ exp: NOW_S - 31 }), text: 'has expired' },
    'not yet valid': { token: token({ nbf: NOW_S + 31 }), text: 'not valid yet' },
    'from the future': { token: token({ iat: NOW_S + 31 }), text: 'made in the future' },
    'without an end': { token: token({ exp: undefined }), text: 'no end' },
    'with an end beyond all numbers': { token: token({ exp: 1e300 }), text: 'no end' },
    'another issuer': { token: token({ iss: 'static-api' }), text: 'another issuer' },
    'no issuer': { token: token({ iss: undefined }), text: 'another issuer' },
    'another audience': { token: token({ aud: 'x' }), options: { audience: 'relay-1' }, text: 'another audience' },
    'no audience where one is asked for': {
      token: token(),
      options: { audience: 'relay-1' },
      text: 'another audience',
    },
    'an audience where none is known': { token: token({ aud: 'x' }), text: 'meant for an audience' },
    'no account': { token: token({ sub: undefined }), text: 'names no account' },
    'an account that is no text': { token: token({ sub: 5 }), text: 'names no account' },
    'an empty account': { token: token({ sub: '' }), text: 'names no account' },
    'an account with a line break': { token: token({ sub: 'a\nb' }), text: 'names no account' },
    'an account of 129 characters': { token: token({ sub: 'a'.repeat(129) }), text: 'names no account' },
    'an unknown plan': { token: token({ plan: 'team' }), text: 'plan' },
    'a plan that objects have by nature': { token: token({ plan: 'constructor' }), text: 'plan' },
    'no plan': { token: token({ plan: undefined }), text: 'plan' },
    'a scope that is no text': { token: token({ scope: ['read'] }), text: 'scope' },
    'more than 8 KiB': { token: token({ filler: 'x'.repeat(8192) }), text: 'more than 8192 bytes' },
  };

  test.each(Object.entries(cases))('%s', async (_, { token: given, options, text }) => {
    const error: unknown = await verify(given, options).then(
      () => 'taken',
      (refused: unknown) => refused,
    );
    expect(error).toMatchObject({ name: 'AuthError', code: 'auth_failed' });
    expect((error as Error).message).toContain(text);
    // Neither the token nor one of its parts, nor a claim, wherever somebody who logs the error may look.
    const shown = inspect(error, { depth: 10, showHidden: true });
    for (const part of (given ?? '').split('.')) if (part.length > 5) expect(shown).not.toContain(part);
    expect(shown).not.toContain('account-a');
    expect(shown).not.toContain(SECRET);
  });
});

describe('options', () => {
  test.each<[string, AuthenticatorOptions, string]>([
    ['neither secrets nor keys', {}, '`secrets`'],
    ['a short secret', { secrets: [{ secret: 'x'.repeat(31) }] }, 'at least 32 bytes, got 31'],
    ['a short secret of bytes', { secrets: [{ secret: new Uint8Array(31) }] }, 'at least 32 bytes'],
    [
      'two secrets of one name',
      {
        secrets: [
          { kid: 'a', secret: SECRET },
          { kid: 'a', secret: OTHER_SECRET },
        ],
      },
      'named a, got two',
    ],
    ['a plan for unknown ones that is unknown', { secrets: [{ secret: SECRET }], unknownPlan: 'x' }, '`unknownPlan`'],
    [
      'a quota below zero',
      { secrets: [{ secret: SECRET }], plans: { x: { messagesPerMonth: -1 } } },
      '`plans.x.messagesPerMonth`',
    ],
    ['keys over an open network', { jwks: { url: 'http://keys.example/keys.json' } }, '`jwks.url`'],
    ['keys from a file', { jwks: { url: 'file:///etc/keys.json' } }, '`jwks.url`'],
    ['a leeway below zero', { secrets: [{ secret: SECRET }], leewayMs: -1 }, '`leewayMs`'],
  ])('%s are refused', (_, options, text) => {
    expect(() => createAuthenticator(options)).toThrow(text);
  });

  test('a secret of multi-byte characters counts its bytes', async () => {
    const secret = '€'.repeat(11);
    expect(await verify(hs256(claims(), secret), { secrets: [{ secret }] })).toMatchObject({ account: 'account-a' });
  });
});
