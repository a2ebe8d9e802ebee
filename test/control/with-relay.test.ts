import { status } from '@grpc/grpc-js';
import { describe, expect, onTestFinished, test } from 'vitest';
import { localRelay, remoteRelay } from '../../src/control/index.ts';
import type { RelayOperations } from '../../src/control/index.ts';
import { startRelay } from '../../src/relay/index.ts';
import type { Relay } from '../../src/relay/index.ts';
import { RawClient } from '../relay/support/raw-client.ts';
import { CHANNEL, messages } from '../relay/support/submissions.ts';
import { freePort } from '../support/free-port.ts';
import { base64, newInvite, newJoin } from './support/api.ts';
import { SECRET, startPlane } from './support/plane.ts';

const secret = { secret: SECRET };

async function relayOnTokens(): Promise<Relay> {
  const relay = await startRelay({ engine: { kind: 'memory' }, port: 0, auth: { secrets: [secret] } });
  onTestFinished(() => relay.close());
  return relay;
}

const ways: readonly [string, (relay: Relay) => RelayOperations][] = [
  ['in this process', (relay) => localRelay(relay)],
  ['in another process', (relay) => remoteRelay({ urls: [relay.endpoint], secret })],
];

describe.each(ways)('with a relay %s', (_, operationsOf) => {
  test('its tokens are taken, its notices arrive, and what was published is told', async () => {
    const relay = await relayOnTokens();
    const { account } = await startPlane({ relay: operationsOf(relay) });
    const alice = await account('alice');
    const { token } = (await alice.api.post('/v1/tokens')).body as { token: string };
    const client = await RawClient.connect(relay.endpoint, token);
    await client.publish(messages(3));
    client.subscribe(1);
    await client.next('caughtUp');

    await alice.api.post('/v1/channels', { name: CHANNEL });
    const invite = newInvite(CHANNEL);
    await alice.api.post('/v1/channels/invites', invite.body);
    await alice.api.post('/v1/channels/join', newJoin(CHANNEL, invite, 'agent'));
    expect(await client.next('notice')).toMatchObject({ subscription: 1, topic: 1 });
    expect((await alice.api.get('/v1/usage')).body).toMatchObject({ messages_relayed: 3 });
  });

  test('a key that is revoked ends the connections on its tokens, and no others', async () => {
    const relay = await relayOnTokens();
    const { account } = await startPlane({ relay: operationsOf(relay) });
    const alice = await account('alice');
    const connect = async (key: string): Promise<RawClient> => {
      const { token } = (await alice.api.as(key).post('/v1/tokens', { identity: base64(key.slice(0, 20)) })).body as {
        token: string;
      };
      return RawClient.connect(relay.endpoint, token);
    };
    const { id, key } = (await alice.api.post('/v1/keys')).body as { id: string; key: string };
    const [lost, kept] = [await connect(key), await connect(alice.key)];
    expect(await alice.api.delete(`/v1/keys/${id}`)).toMatchObject({ status: 204 });
    expect(await lost.ended).toMatchObject({ code: status.UNAUTHENTICATED });
    expect(await kept.publish(messages(1))).toMatchObject([{ kind: 'accepted' }]);
  });
});

describe('relays in other processes', () => {
  test('one that answers is enough, but for withdrawn keys, of which there may be any number', async () => {
    const relay = await relayOnTokens();
    const gone = `http://127.0.0.1:${await freePort()}`;
    const operations = remoteRelay({ urls: [gone, relay.endpoint], secret });
    expect(await operations.usage('nobody')).toEqual({ messages: 0 });
    const keys = Array.from({ length: 1200 }, (_, index) => ({ keyId: `key-${index}`, untilMs: Date.now() + 60_000 }));
    await expect(operations.withdrawKeys(keys)).rejects.toMatchObject({
      code: 'connection_error',
      message: expect.stringMatching('1 of 2 relays') as string,
    });
    await remoteRelay({ urls: [relay.endpoint], secret }).withdrawKeys(keys);
  });

  test('a relay under another secret refuses, and what it is asked with is checked', async () => {
    const relay = await relayOnTokens();
    const stranger = remoteRelay({ urls: [relay.endpoint], secret: { secret: 'x'.repeat(32) } });
    await expect(stranger.announce(CHANNEL, 'removals')).rejects.toMatchObject({ code: 'connection_error' });
    for (const options of [
      { urls: [], secret },
      { urls: ['relay'], secret },
      { urls: [relay.endpoint], secret: { secret: 'short' } },
    ]) {
      expect(() => remoteRelay(options)).toThrow(expect.objectContaining({ code: 'invalid_argument' }) as Error);
    }
  });
});
