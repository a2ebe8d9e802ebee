import { status } from '@grpc/grpc-js';
import { connect } from '@nats-io/transport-node';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import type { Announcement, LogEngine } from '../../src/relay/engine/log-engine.ts';
import { startRelay } from '../../src/relay/index.ts';
import type { Relay } from '../../src/relay/index.ts';
import { natsMissing, startNats } from '../support/nats-server.ts';
import type { NatsServers } from '../support/nats-server.ts';
import { claimsAt, hs256, SECRET } from './access/support/tokens.ts';
import { freshChannelName } from './engine/suite.ts';
import { freshLog, openEngine } from './nats-log.ts';
import { eventually } from './support/eventually.ts';
import { RawClient } from './support/raw-client.ts';
import { CHANNEL, message } from './support/submissions.ts';

/** What an engine tells of from now on. */
function listen(engine: LogEngine): Announcement[] {
  const heard: Announcement[] = [];
  engine.announcements$.subscribe((announcement) => heard.push(announcement));
  return heard;
}

const withdrawn = (index: number): Announcement => ({
  kind: 'withdrawn',
  keyId: `key-${index}`,
  untilMs: 1e15 + index,
});

describe.skipIf(natsMissing !== undefined)('relays over one log on nats-server', () => {
  let nats: NatsServers;
  beforeAll(async () => {
    nats = await startNats();
  });
  afterAll(() => nats.stop());

  test('hear what is announced on any of them, once, and nothing of another log', async () => {
    const options = freshLog(nats.addresses);
    const [one, two] = [await openEngine(options), await openEngine(options)];
    const elsewhere = listen(await openEngine(freshLog(nats.addresses)));
    const heard = [listen(one), listen(two)];
    const notice: Announcement = { kind: 'notice', channel: freshChannelName(), topic: 'removals' };
    one.announce(notice);
    two.announce(withdrawn(1));
    await eventually(() => heard.every(({ length }) => length === 2));
    one.announce(withdrawn(2)); // behind it nothing older is under way
    await eventually(() => heard.every(({ length }) => length === 3));
    expect(heard).toEqual(
      [
        [notice, withdrawn(1), withdrawn(2)],
        [withdrawn(1), notice, withdrawn(2)],
      ].map((all) => expect.arrayContaining(all) as Announcement[]),
    );
    expect(elsewhere).toEqual([]);
  });

  test('hear of the same again and again once in a while, and of everything that differs', async () => {
    const options = freshLog(nats.addresses);
    const [one, two] = [await openEngine(options), await openEngine(options)];
    const [here, there] = [listen(one), listen(two)];
    const channel = freshChannelName();
    for (let count = 0; count < 1000; count += 1) one.announce({ kind: 'notice', channel, topic: 'join-requests' });
    for (let index = 0; index < 200; index += 1) one.announce(withdrawn(index));
    await eventually(() => there.filter(({ kind }) => kind === 'withdrawn').length === 200);
    expect(here).toHaveLength(1200);
    expect(there.filter(({ kind }) => kind === 'notice').length).toBeLessThanOrEqual(2);
  });

  test('lose the oldest, and say so, when more is announced than can be told', async () => {
    const warnings: string[] = [];
    const options = freshLog(nats.addresses, { onWarning: (warning) => warnings.push(warning) });
    const [one, two] = [await openEngine(options), await openEngine(options)];
    const there = listen(two);
    for (let index = 0; index < 30_000; index += 1) one.announce(withdrawn(index));
    await eventually(() => there.some((each) => each.kind === 'withdrawn' && each.keyId === 'key-29999'));
    expect(there.length).toBeGreaterThanOrEqual(16_384);
    expect(there.length).toBeLessThan(30_000);
    expect(warnings.filter((warning) => warning.includes('more is announced'))).toHaveLength(1);
  });

  test('tell a client of one what is announced on the other, and end its stream when its key is withdrawn there', async () => {
    const { name } = freshLog(nats.addresses);
    const engine = { kind: 'nats', servers: nats.addresses, name: name!, shards: 2, replicas: 1 } as const;
    const start = async (): Promise<Relay> => {
      const relay = await startRelay({ engine, port: 0, auth: { secrets: [{ secret: SECRET }] } });
      onTestFinished(() => relay.close());
      return relay;
    };
    const [one, two] = [await start(), await start()];
    const keyId = '7d4ff1d2-5c1c-4a8e-9a67-1f1f6f6c2b10';
    const token = hs256(claimsAt(Date.now(), { sub: 'alice', key_id: keyId }));
    const alice = await RawClient.connect(one.endpoint, token);
    await alice.publish([message()]);
    alice.subscribe(1);
    await alice.next('caughtUp');
    two.announce(CHANNEL, 'join-requests');
    expect(await alice.next('notice')).toMatchObject({ subscription: 1, topic: 1 });
    expect(await two.usage('alice')).toMatchObject({ messages: 1 });
    two.withdrawKeys([{ keyId, untilMs: Date.now() + 3_600_000 }]);
    expect(await alice.ended).toMatchObject({ code: status.UNAUTHENTICATED });
    expect(await new RawClient(one.endpoint, token).ended).toMatchObject({ code: status.UNAUTHENTICATED });
    expect(await new RawClient(two.endpoint, token).ended).toMatchObject({ code: status.UNAUTHENTICATED });
    const another = await RawClient.connect(one.endpoint, hs256(claimsAt(Date.now(), { sub: 'alice' })));
    another.subscribe(1);
    await another.next('caughtUp');
    expect(await two.expel(CHANNEL, 'alice')).toBe(true);
    expect(await another.next('subscriptionRefused')).toMatchObject({ subscription: 1 });
  });

  test('pass over what no relay has sent, say so once, and hear on', async () => {
    const warnings: string[] = [];
    const options = freshLog(nats.addresses, { onWarning: (warning) => warnings.push(warning) });
    const [one, two] = [await openEngine(options), await openEngine(options)];
    const there = listen(two);
    const stranger = await connect({ servers: [...nats.addresses] });
    const from = 'stranger';
    for (const body of [
      'no JSON',
      '[]',
      JSON.stringify({ version: 2, from, announcements: [withdrawn(1)] }),
      JSON.stringify({ version: 1, from, announcements: {} }),
      JSON.stringify({ version: 1, from, announcements: [null, { kind: 'newer' }, { kind: 'notice', channel: 'x' }] }),
    ]) {
      stranger.publish(`${options.name}.announcements`, body);
    }
    await stranger.drain();
    one.announce(withdrawn(7));
    await eventually(() => there.length > 0);
    expect(there).toEqual([withdrawn(7)]);
    expect(warnings.filter((warning) => warning.includes('is no announcement'))).toHaveLength(2); // once on each
  });
});
