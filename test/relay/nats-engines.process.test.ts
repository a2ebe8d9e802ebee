import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { connect } from '@nats-io/transport-node';
import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import { equalBytes } from '../../src/base/bytes.ts';
import type { ChannelName } from '../../src/base/channel-name.ts';
import { systemClock } from '../../src/base/clock.ts';
import type { LogEngine } from '../../src/relay/engine/log-engine.ts';
import { NatsLink } from '../../src/relay/engine/nats/nats-link.ts';
import { QuotaLedger } from '../../src/relay/engine/nats/quota-ledger.ts';
import { SubjectNames } from '../../src/relay/engine/nats/subjects.ts';
import type { LogEntry } from '../../src/transport/index.ts';
import { natsMissing, startNats } from '../support/nats-server.ts';
import type { NatsServers } from '../support/nats-server.ts';
import { freshAccount, freshChannelName } from './engine/suite.ts';
import { tally, verdictsOf } from './engine/test-channel.ts';
import { append, freshLog, openEngine, readChannel } from './nats-log.ts';
import { entriesOf } from './support/runs.ts';
import { commit, fresh, GROUP, message, messages } from './support/submissions.ts';

describe.skipIf(natsMissing !== undefined)('two relays on one nats-server', () => {
  let nats: NatsServers;
  beforeAll(async () => {
    nats = await startNats('max_payload: 300KB');
  });
  afterAll(() => nats.stop());

  const pair = async (options = freshLog(nats.addresses)): Promise<[LogEngine, LogEngine]> =>
    Promise.all([openEngine(options), openEngine(options)]);
  const month = (): number => {
    const now = new Date();
    return Date.UTC(now.getUTCFullYear(), now.getUTCMonth());
  };

  test('give all readers one order, each entry naming its predecessor, and tell it as it comes', async () => {
    const engines = await pair();
    const channels = Array.from({ length: 3 }, freshChannelName);
    const told = engines.map(() => new Map<string, LogEntry[]>());
    engines.forEach((engine, index) =>
      engine.appended$.subscribe(({ channel, run }) => {
        told[index]!.set(channel, [...(told[index]!.get(channel) ?? []), ...entriesOf(run)]);
      }),
    );
    const sending = engines.flatMap((engine) =>
      channels.flatMap((channel) => Array.from({ length: 50 }, () => append(engine, channel, messages(3)))),
    );
    expect(tally(verdictsOf((await Promise.all(sending)).flat()))).toEqual({ stored: 2 * 3 * 50 * 3 });
    for (const channel of channels) {
      const [one, two] = await Promise.all(engines.map((engine) => readChannel(engine, channel)));
      expect(one).toHaveLength(2 * 50 * 3);
      expect(two).toEqual(one);
      for (const heard of told) expect(heard.get(channel)).toEqual(one);
    }
  });

  test.each([2, 10, 50])('let one of %i commits win each epoch, and tell the others who has won', async (racers) => {
    const engines = await pair();
    const channel = freshChannelName();
    const losers: Uint8Array[] = [];
    for (let epoch = 0n; epoch < 5n; epoch += 1n) {
      const refs = Array.from({ length: racers }, () => fresh(32));
      const answers = await Promise.all(
        refs.map(async (ref, index) => {
          const welcomes = [{ keyPackageRefs: [ref], payload: fresh(64) }];
          return (await append(engines[index % 2]!, channel, [commit(epoch, welcomes)]))[0]!;
        }),
      );
      expect(tally(verdictsOf(answers))).toEqual({ stored: 1, [`epoch-decided@${epoch + 1n}`]: racers - 1 });
      refs.forEach((ref, index) => {
        if (answers[index]!.kind === 'refused') losers.push(ref);
      });
    }
    const [one, two] = await Promise.all(engines.map((engine) => readChannel(engine, channel)));
    expect(one!.map(({ kind, epoch }) => [kind, epoch])).toEqual(
      [0n, 1n, 2n, 3n, 4n].map((epoch) => ['commit', epoch]),
    );
    expect(two).toEqual(one);
    for (const engine of engines) {
      for (const ref of losers) expect(await engine.welcome(ref)).toBeUndefined();
    }
    expect(losers).toHaveLength(5 * (racers - 1));
  });

  test('know the ids that came through the other one, also after both have started again', async () => {
    const options = freshLog(nats.addresses);
    const engines = await pair(options);
    const channel = freshChannelName();
    const sent = [...messages(20), commit(0n)];
    const first = await append(engines[0], channel, sent);
    const again = first.map((answer) => ({ ...answer, duplicate: true }));
    expect(await append(engines[1], channel, sent)).toEqual(again);
    const both = message(1n);
    const race = (await Promise.all(engines.map((engine) => append(engine, channel, [both])))).flat();
    expect(tally(verdictsOf(race))).toEqual({ stored: 1, known: 1 });
    for (const engine of engines) await engine.close();

    const [later] = await pair(options);
    expect(await append(later, channel, sent)).toEqual(again);
    expect(await readChannel(later, channel)).toHaveLength(22);
  });

  test('see at once what was acknowledged by the other one', async () => {
    const [one, two] = await pair();
    const channel = freshChannelName();
    for (let epoch = 0n; epoch < 20n; epoch += 1n) {
      const [ended] = await append(one, channel, [commit(epoch)]);
      expect(ended).toMatchObject({ kind: 'accepted' });
      // Through the other relay, in the epoch that has only just begun.
      expect(verdictsOf(await append(two, channel, [message(epoch + 1n)]))).toEqual(['stored']);
      expect(await one.state(channel)).toEqual(await two.state(channel));
    }
  });

  test('never store more than a quota together, and all of it', async () => {
    const engines = await pair();
    const by = { account: freshAccount(), messagesPerMonth: 300 };
    const channels = Array.from({ length: 4 }, freshChannelName);
    await append(engines[0], channels[0]!, messages(1), by);
    for (const channel of channels.slice(1)) await append(engines[1], channel, messages(1), by);
    const answers = await Promise.all(
      Array.from({ length: 200 }, (_, index) => append(engines[index % 2]!, channels[index % 4]!, messages(2), by)),
    );
    expect(tally(verdictsOf(answers.flat()))).toEqual({ stored: 296, 'quota-exceeded@0': 104 });
    for (const engine of engines) {
      expect(await engine.usage(by.account, month())).toEqual({ monthStartMs: month(), messages: 300 });
      let stored = 0;
      for (const channel of channels) stored += (await readChannel(engine, channel)).length;
      expect(stored).toBe(300);
    }
  });

  test('do not count a message twice that is in the log before its place is known to be used', async () => {
    const options = freshLog(nats.addresses);
    await openEngine(options);
    const link = await NatsLink.connect({ servers: nats.addresses }, () => undefined);
    onTestFinished(() => link.close());
    let stored = 0;
    const ledger = new QuotaLedger({
      link,
      names: new SubjectNames(options.name!, options.shards!),
      clock: systemClock,
      reservationMs: 60_000,
      stored: () => stored,
      sync: () => Promise.resolve(),
    });
    onTestFinished(() => ledger.close(true));
    const account = freshAccount();
    const granted = async (count: number): Promise<number> =>
      (await ledger.reserve(account, month(), 300, count)).granted;
    expect(await granted(200)).toBe(200);
    stored = 200;
    expect(await granted(60)).toBe(60);
    stored = 280; // and twenty more, without a place
    expect(await granted(60)).toBe(20);
  });

  test('write off what a relay had reserved that has died', async () => {
    const options = freshLog(nats.addresses, { reservationMs: 400 });
    const engine = await openEngine(options);
    const by = { account: freshAccount(), messagesPerMonth: 10 };
    const channel = freshChannelName();
    expect(verdictsOf(await append(engine, channel, messages(4), by))).toEqual(Array(4).fill('stored'));

    const connection = await connect({ servers: [...nats.addresses] });
    const token = Buffer.from(by.account).toString('base64url');
    const subject = `${options.name}.quotas.${token}.${month()}`;
    await jetstream(connection).publish(subject, JSON.stringify({ reserved: 10, generation: 0 }));
    await connection.close();

    expect(verdictsOf(await append(engine, channel, messages(1), by))).toEqual(['quota-exceeded@0']);
    await expect
      .poll(async () => verdictsOf(await append(engine, channel, messages(1), by)), { timeout: 10_000, interval: 100 })
      .toEqual(['stored']);
    const rest = verdictsOf(await append(engine, channel, messages(8), by));
    expect(tally(rest)).toEqual({ stored: 5, 'quota-exceeded@0': 3 });
  });

  test('keep Welcomes that are larger than what the server takes, and none of a loser', async () => {
    const [one, two] = await pair();
    const channel = freshChannelName();
    const [bob, carol, mallory] = [fresh(32), fresh(32), fresh(32)];
    const large = [
      { keyPackageRefs: [bob], payload: fresh(500_000) },
      { keyPackageRefs: [carol], payload: fresh(100_000) },
    ];
    const answers = await append(one, channel, [commit(0n, large)]);
    expect(verdictsOf(answers)).toEqual(['stored']);
    const lost = await append(two, channel, [commit(0n, [{ keyPackageRefs: [mallory], payload: fresh(500_000) }])]);
    expect(verdictsOf(lost)).toEqual(['epoch-decided@1']);
    for (const [ref, { payload }] of [
      [bob, large[0]!],
      [carol, large[1]!],
    ] as const) {
      const welcome = await two.welcome(ref);
      expect(typeof welcome === 'object' && equalBytes(welcome.payload, payload)).toBe(true);
    }
    expect(await two.welcome(mallory)).toBeUndefined();
    expect(verdictsOf(await append(one, channel, [message(1n, fresh(400_000)), message(1n)]))).toEqual([
      'too-large@1',
      'stored',
    ]);
  });

  test('hand a Welcome to one account, whichever relay it asks', async () => {
    const engines = await pair();
    const channel = freshChannelName();
    const ref = fresh(32);
    const by = { account: freshAccount(), messagesPerMonth: undefined };
    await append(engines[0], channel, [commit(0n, [{ keyPackageRefs: [ref], payload: fresh(70) }])], by);
    await engines[1].state(channel);
    const accounts = Array.from({ length: 6 }, freshAccount);
    const handed = await Promise.all(accounts.map((account, index) => engines[index % 2]!.welcome(ref, account)));
    expect(handed.filter((welcome) => welcome === 'taken')).toHaveLength(5);
    const winner = accounts[handed.findIndex((welcome) => typeof welcome === 'object')]!;
    for (const engine of engines) {
      const access = await Promise.all(accounts.map((account) => engine.access(channel, account)));
      expect(access).toEqual(accounts.map((account) => (account === winner ? 'member' : 'stranger')));
    }
  });

  test('tell of who comes to a channel and who is taken from it, whichever relay did it', async () => {
    const engines = await pair();
    const channel = freshChannelName();
    const [alice, bob] = [freshAccount(), freshAccount()];
    const told = engines.map((engine) => {
      const changes: string[] = [];
      engine.accessChanges$.subscribe(({ kind, account }) => changes.push(`${kind} ${account}`));
      return changes;
    });
    await append(engines[0], channel, messages(1), { account: alice, messagesPerMonth: undefined });
    expect(await engines[1].admit(channel, bob)).toBe(true);
    expect(await engines[0].expel(channel, bob)).toBe(true);
    expect(await engines[1].access(channel, bob)).toBe('stranger');
    const refused = await append(engines[1], channel, messages(1), { account: bob, messagesPerMonth: undefined });
    expect(verdictsOf(refused)).toEqual(['unauthorized@0']);
    for (const changes of told) expect(changes).toEqual([`admitted ${alice}`, `admitted ${bob}`, `expelled ${bob}`]);
  });

  test('agree on what was trimmed, keep what they have to know of it, and tell of the gap', async () => {
    const options = freshLog(nats.addresses);
    const [one, two] = await pair(options);
    const channel = freshChannelName();
    const by = { account: freshAccount(), messagesPerMonth: 1000 };
    const sent = messages(10);
    await append(one, channel, [...sent, commit(0n)], by);
    const end = (await two.state(channel))!.headSeq;
    expect(await two.trim(channel, end)).toBe(11);
    const kept = (await append(one, channel, [message(1n)], by))[0]!;
    expect(await one.read(channel, 1, { entries: 10, bytes: 10_000 })).toMatchObject({
      resumesAtSeq: kept.kind === 'accepted' ? kept.seq : 0,
    });
    await one.close();
    await two.close();

    const connection = await connect({ servers: [...nats.addresses] });
    const manager = await jetstreamManager(connection);
    const left = await Promise.all([0, 1].map((shard) => manager.streams.info(`${options.name}-log-${shard}`)));
    await connection.close();
    // The record of the kept message and the one that says what was trimmed.
    expect(left.reduce((sum, { state }) => sum + state.messages, 0)).toBe(2);

    const [later] = await pair(options);
    expect(await later.state(channel)).toMatchObject({ epoch: 1n });
    expect(await later.commitSeq(channel, 0n)).toBe(end);
    expect(await later.access(channel, by.account)).toBe('member');
    expect((await later.usage(by.account, month())).messages).toBe(11);
    expect(verdictsOf(await append(later, channel, sent.slice(0, 1), by))).toEqual(['known']);
    expect((await append(later, channel, [commit(0n)], by))[0]).toMatchObject({ reason: 'epoch-decided' });
    expect(entriesOf((await later.read(channel, end, { entries: 9, bytes: 9999 })).run)[0]!.prevSeq).toBe(end);
  });

  test('tell a reader of the gap where the server has deleted entries by itself', async () => {
    const options = freshLog(nats.addresses);
    const engine = await openEngine(options);
    const channel = freshChannelName();
    const seqs: number[] = [];
    for (let count = 0; count < 5; count += 1) {
      const [answer] = await append(engine, channel, messages(1));
      if (answer?.kind === 'accepted') seqs.push(answer.seq);
    }
    const connection = await connect({ servers: [...nats.addresses] });
    const manager = await jetstreamManager(connection);
    for (const shard of [0, 1]) await manager.streams.purge(`${options.name}-log-${shard}`, { seq: 4 });
    await connection.close();
    const page = await engine.read(channel, 0, { entries: 100, bytes: 100_000 });
    expect({ ...page, run: page.run?.seqs }).toEqual({
      run: seqs.slice(3),
      resumesAtSeq: seqs[3],
      headSeq: seqs[4],
    });
  });

  test('refuse a log that was laid out in another way, and one that holds something else', async () => {
    const options = freshLog(nats.addresses);
    const engine = await openEngine(options);
    await expect(openEngine({ ...options, shards: 3 })).rejects.toMatchObject({ code: 'invalid_argument' });
    await expect(openEngine({ ...options, idWindow: 5 })).rejects.toMatchObject({ code: 'invalid_argument' });

    const failed = new Promise<unknown>((resolve) => engine.appended$.subscribe({ error: resolve }));
    const connection = await connect({ servers: [...nats.addresses] });
    connection.publish(`${options.name}.log.0.somebody.m`, 'not a record');
    expect(await failed).toMatchObject({ code: 'store_damaged' });
    await connection.close();
    expect(verdictsOf(await append(engine, freshChannelName(), messages(1)))).toEqual(['unavailable@0']);
    await expect(openEngine(options)).rejects.toMatchObject({ code: 'store_damaged' });
  });

  test('take what is addressed to one channel for no other, however their names look', async () => {
    const [one, two] = await pair(freshLog(nats.addresses, { shards: 1 }));
    const names = ['a/b/c', 'a/b/c-m', 'a-b/c/d', 'a/b-c/d', 'a/b/c-d'] as ChannelName[];
    for (const name of names) await append(one, name, [message(), commit(0n)]);
    for (const name of names) {
      expect(await two.state(name)).toMatchObject({ epoch: 1n, group: GROUP });
      expect(await readChannel(two, name)).toHaveLength(2);
    }
  });
});
