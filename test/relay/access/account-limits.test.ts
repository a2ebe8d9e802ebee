import { describe, expect, test } from 'vitest';
import { RawClient } from '../support/raw-client.ts';
import { CHANNEL, message } from '../support/submissions.ts';
import { A, B, pong, startGuardedRelay } from './support/guarded-relay.ts';

describe('an account', () => {
  test('has so many connections and no more; others have theirs, and a place is free when one goes', async () => {
    const { endpoint, token, connect, server } = await startGuardedRelay({ limits: { maxAccountConnections: 2 } });
    const first = await connect(A);
    await connect(A);
    const third = new RawClient(endpoint, token(A));
    third.hello();
    expect(await third.refusal()).toBe('limit');
    await pong(await connect(B));
    first.close();
    while (server.holdings().length > 2) await third.settle();
    await pong(await connect(A));
  });

  test('has so many subscriptions over all its connections, and others have theirs', async () => {
    const { connect } = await startGuardedRelay({ limits: { maxAccountSubscriptions: 2 } });
    const [one, two, other] = [await connect(A), await connect(A), await connect(B)];
    for (const client of [one, two, other]) {
      client.subscribe(1);
      await client.next('caughtUp');
    }
    two.subscribe(2);
    expect(await two.next('subscriptionRefused')).toMatchObject({
      subscription: 2,
      detail: 'the account has too many subscriptions on this relay',
    });
    await pong(two);
  });

  test.each<[string, (relay: Awaited<ReturnType<typeof startGuardedRelay>>, one: RawClient) => Promise<unknown>]>([
    [
      'unsubscribes',
      (_, one) => {
        one.send({ case: 'unsubscribe', value: { subscription: 1 } });
        return pong(one);
      },
    ],
    [
      'is expelled',
      async ({ engine }, one) => {
        await engine.expel(CHANNEL, A);
        await one.next('subscriptionRefused');
      },
    ],
    [
      'disconnects',
      async ({ server }, one) => {
        one.close();
        while (server.holdings().length > 1) await one.settle();
      },
    ],
  ])('may subscribe again when it %s', async (_, end) => {
    const relay = await startGuardedRelay({ limits: { maxAccountSubscriptions: 1 } });
    const [one, two] = [await relay.connect(A), await relay.connect(A)];
    await one.publish([message()]);
    one.subscribe(1);
    await one.next('caughtUp');
    two.subscribe(1, undefined, undefined, 'acme/other/channel');
    await two.next('subscriptionRefused');
    await end(relay, one);
    two.subscribe(2, undefined, undefined, 'acme/other/channel');
    await two.next('caughtUp');
    two.subscribe(3, undefined, undefined, 'acme/other/channel');
    expect(await two.next('subscriptionRefused')).toMatchObject({ subscription: 3 });
  });
});
