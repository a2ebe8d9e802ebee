import { once } from 'node:events';
import { connect as connectHttp2 } from 'node:http2';
import { status } from '@grpc/grpc-js';
import { describe, expect, onTestFinished, test } from 'vitest';
import { startRelay } from '../../src/relay/index.ts';
import type { Relay, RelayOptions } from '../../src/relay/index.ts';
import { claimsAt, eddsa, hs256, OTHER_SECRET, SECRET, signingKey } from './access/support/tokens.ts';
import { startKeyServer } from './access/support/key-server.ts';
import { RawClient } from './support/raw-client.ts';
import { CHANNEL, message, messages } from './support/submissions.ts';

const KEY_ID = '7d4ff1d2-5c1c-4a8e-9a67-1f1f6f6c2b10';
const OTHER_KEY_ID = '0b9c5f8e-92cf-4a49-8f0a-b7b2c7f7f0aa';

async function start(options: RelayOptions = {}): Promise<Relay> {
  const auth = { secrets: [{ secret: SECRET }] };
  const relay = await startRelay({ engine: { kind: 'memory' }, port: 0, auth, ...options });
  onTestFinished(() => relay.close());
  return relay;
}

/** Claims of a token with which a relay is operated; what is `undefined` is left out. */
function operating(changes: Record<string, unknown> = {}): Record<string, unknown> {
  const nowS = Math.floor(Date.now() / 1000);
  return { iss: 'skytale-api', aud: 'skytale-relay', scope: 'operate', exp: nowS + 30, ...changes };
}

const agent = (account: string, changes: Record<string, unknown> = {}): string =>
  hs256(claimsAt(Date.now(), { sub: account, ...changes }));

/** Asks as a control plane does, without a token if it is ''; gives the status, and the answer if there is one. */
async function ask(
  endpoint: string | undefined,
  method: string,
  path: string,
  body?: unknown,
  token: string = hs256(operating()),
): Promise<readonly [number, unknown]> {
  const response = await fetch(`${endpoint}/internal/v1/${path}`, {
    method,
    ...(token === '' ? {} : { headers: { authorization: `Bearer ${token}` } }),
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  });
  const text = await response.text();
  return [response.status, text.startsWith('{') ? JSON.parse(text) : text];
}

describe('a control plane in another process', () => {
  test('announces: the subscribers of the channel are told', async () => {
    const relay = await start();
    const alice = await RawClient.connect(relay.endpoint, agent('alice'));
    await alice.publish([message()]);
    alice.subscribe(1);
    await alice.next('caughtUp');
    const notice = { channel: CHANNEL, topic: 'removals' };
    expect(await ask(relay.endpoint, 'POST', 'notices', notice)).toEqual([204, '']);
    expect(await alice.next('notice')).toMatchObject({ subscription: 1, topic: 2 });
    expect(await ask(relay.endpoint, 'POST', 'notices', { ...notice, topic: 'join-requests' })).toEqual([204, '']);
    expect(await alice.next('notice')).toMatchObject({ subscription: 1, topic: 1 });
  });

  test('asks for usage, of this month, and of an account that has none', async () => {
    const relay = await start();
    const alice = await RawClient.connect(relay.endpoint, agent('alice'));
    await alice.publish(messages(3));
    const now = new Date();
    const monthStartMs = Date.UTC(now.getUTCFullYear(), now.getUTCMonth());
    expect(await ask(relay.endpoint, 'GET', 'usage?account=alice')).toEqual([
      200,
      { month_start_ms: monthStartMs, messages: 3 },
    ]);
    expect(await ask(relay.endpoint, 'GET', 'usage?account=bob')).toMatchObject([200, { messages: 0 }]);
  });

  test('expels: the subscriptions of the account end, and it hears whether there was anything to do', async () => {
    const relay = await start();
    const alice = await RawClient.connect(relay.endpoint, agent('alice'));
    await alice.publish([message()]);
    alice.subscribe(1);
    await alice.next('caughtUp');
    const who = { channel: CHANNEL, account: 'alice' };
    expect(await ask(relay.endpoint, 'POST', 'expulsions', who)).toEqual([200, { expelled: true }]);
    expect(await alice.next('subscriptionRefused')).toMatchObject({ subscription: 1 });
    expect(await ask(relay.endpoint, 'POST', 'expulsions', who)).toEqual([200, { expelled: false }]);
  });

  test('withdraws keys: connections on them end at once, new ones are refused, others go on', async () => {
    const relay = await start();
    const [lost, kept, without] = [
      await RawClient.connect(relay.endpoint, agent('alice', { key_id: KEY_ID })),
      await RawClient.connect(relay.endpoint, agent('alice', { key_id: OTHER_KEY_ID })),
      await RawClient.connect(relay.endpoint, agent('alice')),
    ];
    const keys = [{ key_id: KEY_ID, until_ms: Date.now() + 3_600_000 }];
    expect(await ask(relay.endpoint, 'PUT', 'withdrawals', { keys })).toEqual([204, '']);
    expect(await lost.ended).toMatchObject({ code: status.UNAUTHENTICATED });
    const again = new RawClient(relay.endpoint, agent('alice', { key_id: KEY_ID }));
    expect(await again.ended).toMatchObject({ code: status.UNAUTHENTICATED });
    kept.send({ case: 'authenticate', value: { token: agent('alice', { key_id: KEY_ID }) } });
    expect(await kept.next('authenticationRefused')).toMatchObject({
      detail: expect.stringMatching('withdrawn') as string,
    });
    for (const client of [kept, without])
      expect(await client.publish([message()])).toMatchObject([{ kind: 'accepted' }]);
  });

  test('is answered over HTTP/2 too', async () => {
    const relay = await start();
    const session = connectHttp2(relay.endpoint);
    onTestFinished(() => session.destroy());
    const stream = session.request({
      ':method': 'POST',
      ':path': '/internal/v1/expulsions',
      authorization: `Bearer ${hs256(operating())}`,
    });
    stream.end(JSON.stringify({ channel: CHANNEL, account: 'alice' }));
    const [headers] = (await once(stream, 'response')) as [Record<string, unknown>];
    let body = '';
    for await (const chunk of stream.setEncoding('utf8')) body += chunk as string;
    expect([headers[':status'], body]).toEqual([200, '{"expelled":false}']);
  });

  test('finds nothing on a relay without a shared secret', async () => {
    const open = await start({ auth: undefined as never });
    const keys = await startKeyServer([signingKey('one')]);
    const published = await start({ auth: { jwks: { url: keys.url } } });
    for (const { endpoint } of [open, published]) {
      expect((await ask(endpoint, 'POST', 'notices', { channel: CHANNEL, topic: 'removals' }))[0]).toBe(404);
    }
  });

  test('is answered where the operator listens, and then nowhere else', async () => {
    const relay = await start({ operatorAddress: { host: '127.0.0.1', port: 0 } });
    const notice = { channel: CHANNEL, topic: 'removals' };
    expect((await ask(relay.operatorEndpoint, 'POST', 'notices', notice))[0]).toBe(204);
    expect((await ask(relay.endpoint, 'POST', 'notices', notice))[0]).toBe(404);
  });
});

describe('an internal route', () => {
  const notice = { channel: CHANNEL, topic: 'removals' };
  const inSeconds = (seconds: number): number => Math.floor(Date.now() / 1000) + seconds;

  test.each<[string, () => string]>([
    ['no token', () => ''],
    ['no JWT', () => 'hello'],
    ["an agent's token", () => agent('alice')],
    ["an agent's token with the scope", () => agent('alice', { scope: 'operate' })],
    ['a token for another audience', () => hs256(operating({ aud: 'skytale-api' }))],
    ['a token for no audience', () => hs256(operating({ aud: undefined }))],
    ['a token of another issuer', () => hs256(operating({ iss: 'somebody' }))],
    ['a token without the scope', () => hs256(operating({ scope: undefined }))],
    ['a token with more than the scope', () => hs256(operating({ scope: 'operate read' }))],
    ['a token without an end', () => hs256(operating({ exp: undefined }))],
    ['a token that has ended', () => hs256(operating({ exp: inSeconds(-60) }))],
    ['a token that lives for an hour', () => hs256(operating({ exp: inSeconds(3600) }))],
    ['a token under another secret', () => hs256(operating(), OTHER_SECRET)],
    ['a token of another algorithm', () => eddsa(operating(), signingKey('mine'))],
    ['an endless token', () => hs256(operating({ padding: 'x'.repeat(4000) }))],
  ])('refuses %s', async (_, tokenOf) => {
    const relay = await start();
    const [code, answer] = await ask(relay.endpoint, 'POST', 'notices', notice, tokenOf());
    expect([code, answer]).toEqual([401, { error: expect.any(String) as string }]);
  });

  test('takes a token that names its secret while secrets are changed', async () => {
    const secrets = [{ secret: SECRET }, { kid: 'next', secret: OTHER_SECRET }];
    const relay = await start({ auth: { secrets } });
    const token = hs256(operating(), OTHER_SECRET, { kid: 'next' });
    expect((await ask(relay.endpoint, 'POST', 'notices', notice, token))[0]).toBe(204);
  });

  test.each<[string, string, string, unknown, number]>([
    ['another method', 'GET', 'notices', undefined, 405],
    ['no JSON', 'POST', 'notices', 'hello', 400],
    ['a list', 'POST', 'notices', [], 400],
    ['an unknown topic', 'POST', 'notices', { channel: CHANNEL, topic: 'weather' }, 400],
    ['no topic', 'POST', 'notices', { channel: CHANNEL }, 400],
    ['a name that is none', 'POST', 'notices', { channel: 'nowhere', topic: 'removals' }, 400],
    ['no account', 'GET', 'usage', undefined, 400],
    ['an account that is none', 'POST', 'expulsions', { channel: CHANNEL, account: 'a b' }, 400],
    ['keys that are none', 'PUT', 'withdrawals', { keys: [{ key_id: KEY_ID }] }, 400],
    ['a key of another form', 'PUT', 'withdrawals', { keys: [{ key_id: '', until_ms: 1 }] }, 400],
    ['a time before all times', 'PUT', 'withdrawals', { keys: [{ key_id: KEY_ID, until_ms: -1 }] }, 400],
    ['too much', 'POST', 'notices', 'x'.repeat(65_537), 413],
    ['as much as is allowed', 'POST', 'notices', JSON.stringify({ ...notice, pad: 'x'.repeat(65_000) }), 204],
  ])('answers %s (%s %s)', async (_, method, path, body, expected) => {
    const relay = await start();
    const [code, answer] = await ask(relay.endpoint, method, path, body);
    expect(code).toBe(expected);
    if (code === 400 || code === 413) expect(answer).toEqual({ error: expect.any(String) as string });
  });

  test('is not opened to a client by a token with which the relay is operated', async () => {
    const relay = await start({ auth: { secrets: [{ secret: SECRET }], audience: 'skytale-relay' } });
    const token = hs256(operating({ sub: 'alice', plan: 'enterprise' }));
    expect(await new RawClient(relay.endpoint, token).ended).toMatchObject({ code: status.UNAUTHENTICATED });
    expect((await ask(relay.endpoint, 'POST', 'notices', notice, token))[0]).toBe(204);
  });
});
