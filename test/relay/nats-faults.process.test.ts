import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ChannelName } from '../../src/base/channel-name.ts';
import type { LogEngine } from '../../src/relay/engine/log-engine.ts';
import { monthStart } from '../../src/relay/engine/month.ts';
import { natsMissing, startNats } from '../support/nats-server.ts';
import type { NatsServers } from '../support/nats-server.ts';
import { TcpProxy } from '../transport/support/tcp-proxy.ts';
import { freshAccount, freshChannelName } from './engine/suite.ts';
import { verdictsOf } from './engine/test-channel.ts';
import { append, freshLog, Load, openEngine, readChannel } from './nats-log.ts';
import { RacingRelay } from './nats-racing-relay.ts';
import { commit, message, messages } from './support/submissions.ts';

describe.skipIf(natsMissing !== undefined)('relays on one nats-server', () => {
  let nats: NatsServers;
  beforeAll(async () => {
    nats = await startNats();
  });
  afterAll(() => nats.stop());

  test('lose nothing that was acknowledged, and store nothing twice, when the server is killed under load', async () => {
    const options = freshLog(nats.addresses);
    const engines = [await openEngine(options), await openEngine(options)];
    const channels = Array.from({ length: 4 }, freshChannelName);
    const load = new Load(engines, channels);
    const [server] = nats.servers;
    for (let kill = 0; kill < 3; kill += 1) {
      await load.acknowledges(300);
      await server!.kill('SIGKILL');
      await server!.start();
    }
    await load.acknowledges(300);
    await load.end();
    const fresh = await openEngine(options);
    const stored = await load.verify([...engines, fresh], channels);
    expect(stored).toBe(load.acknowledged.size);
    console.log(
      `${stored} stored, all acknowledged; longest silence ${load.longestSilenceMs} ms, ${load.refusals} times unavailable`,
    );
  });

  test('fill a quota to the last message and no further, when the server is killed while they do', async () => {
    const options = freshLog(nats.addresses, { reservationMs: 600 });
    const engines = [await openEngine(options), await openEngine(options)];
    const by = { account: freshAccount(), messagesPerMonth: 500 };
    const channels = Array.from({ length: 4 }, freshChannelName);
    for (const channel of channels) await append(engines[0]!, channel, [commit(0n)], by);

    let stored = 0;
    let refused = 0;
    let unavailable = 0;
    const lane = async (engine: LogEngine, channel: ChannelName): Promise<void> => {
      for (let open = messages(3, 1n); stored < 500; ) {
        const verdicts = verdictsOf(await append(engine, channel, open, by));
        stored += verdicts.filter((verdict) => verdict === 'stored' || verdict === 'known').length;
        refused += verdicts.filter((verdict) => verdict.startsWith('quota-exceeded')).length;
        unavailable += verdicts.filter((verdict) => verdict.startsWith('unavailable')).length;
        // Under their ids, as clients do: a refusal for lack of room may be over when what was leaked is found.
        open = open.filter((_, index) => !['stored', 'known'].includes(verdicts[index]!));
        if (open.length > 0) await wait(20);
        else open = messages(3, 1n);
      }
    };
    const lanes = engines.flatMap((engine) => channels.map((channel) => lane(engine, channel)));
    for (const goal of [100, 250]) {
      while (stored < goal) await wait(5);
      await nats.servers[0]!.kill('SIGKILL');
      await nats.servers[0]!.start();
    }
    await Promise.all(lanes);
    expect(stored).toBe(500);
    let entries = 0;
    for (const channel of channels) entries += (await readChannel(engines[1]!, channel)).length;
    expect(entries).toBe(channels.length + 500);
    for (const engine of engines) expect((await engine.usage(by.account, monthStart(Date.now()))).messages).toBe(500);
    console.log(`500 stored, ${refused} times over the quota, ${unavailable} times unavailable`);
  });

  test('answer `unavailable` while the server is away, and serve again when it is back', async () => {
    const engine = await openEngine(freshLog(nats.addresses));
    const channel = freshChannelName();
    await append(engine, channel, [message(), commit(0n)]);
    const [server] = nats.servers;
    await server!.kill('SIGKILL');
    await expect.poll(async () => (await engine.health()).status).toBe('failing');
    const refused = message(1n);
    expect(verdictsOf(await append(engine, channel, [refused]))).toEqual(['unavailable@0']);
    await expect(engine.state(channel)).rejects.toMatchObject({ code: 'store_error' });
    await server!.start();
    await expect.poll(async () => (await engine.health()).status, { timeout: 10_000 }).toBe('degraded');
    expect(verdictsOf(await append(engine, channel, [refused]))).toEqual(['stored']);
    expect(await readChannel(engine, channel)).toHaveLength(3);
  });

  test('judge by the log and not by what they remember when their connection stood still', async () => {
    await using proxy = await TcpProxy.to(nats.servers[0]!.port);
    const options = freshLog(nats.addresses);
    const near = await openEngine(options);
    const far = await openEngine({ ...options, servers: [`127.0.0.1:${proxy.port}`] });
    const channel = freshChannelName();
    await append(far, channel, [message()]);
    expect(await far.state(channel)).toEqual(await near.state(channel));

    proxy.swallow(true);
    const late = append(far, channel, [commit(0n)]);
    const lateMessage = append(far, freshChannelName(), [message()]);
    expect(verdictsOf(await append(near, channel, [commit(0n), commit(1n)]))).toEqual(['stored', 'stored']);
    proxy.swallow(false);
    expect(verdictsOf(await late)).toEqual(['epoch-decided@2']);
    expect(verdictsOf(await lateMessage)).toEqual(['stored']);
    expect(await readChannel(far, channel)).toEqual(await readChannel(near, channel));
    await far.close();
  });

  test('start again when others have trimmed what they have not read yet', async () => {
    await using proxy = await TcpProxy.to(nats.servers[0]!.port);
    const options = freshLog(nats.addresses, { shards: 1 });
    const near = await openEngine(options);
    const far = await openEngine({ ...options, servers: [`127.0.0.1:${proxy.port}`] });
    const failed = new Promise<unknown>((resolve) => far.appended$.subscribe({ error: resolve }));
    const channel = freshChannelName();
    await append(far, channel, [message()]);

    proxy.swallow(true);
    await append(near, channel, [message(), commit(0n), commit(1n)]);
    await near.trim(channel, (await near.state(channel))!.headSeq);
    await append(near, channel, [message(2n)]);
    await near.close();
    proxy.swallow(false);

    expect(await failed).toMatchObject({ code: 'store_error' });
    expect(verdictsOf(await append(far, channel, [message(2n)]))).toEqual(['unavailable@0']);
    const again = await openEngine(options);
    expect(await again.state(channel)).toMatchObject({ epoch: 2n });
    expect(verdictsOf(await append(again, channel, [commit(1n), message(2n)]))).toEqual(['epoch-decided@2', 'stored']);
  });

  test('agree on every winner when one of them is paused again and again', async () => {
    const options = freshLog(nats.addresses);
    const channel = freshChannelName();
    const engine = await openEngine(options);
    const other = await RacingRelay.start(nats.addresses, options.name!, channel);
    const own = race(engine, channel, other.ended);
    for (let pause = 0; pause < 3; pause += 1) {
      await other.races(10);
      other.pause();
      await wait(pause === 2 ? 3500 : 400); // the pause itself is the fault: once longer than all timeouts
      other.resume();
    }
    await other.races(10);
    const theirs = await other.stop();
    const ours = await own;
    const winners = (await readChannel(engine, channel)).map(({ epoch, seq }) => `${epoch} ${seq}`);
    expect([...ours, ...theirs].sort()).toEqual([...winners].sort());
    expect(new Set(winners.map((line) => line.split(' ')[0])).size).toBe(winners.length);
    expect(Math.min(ours.length, theirs.length)).toBeGreaterThan(0);
    console.log(`${ours.length} epochs won by the relay that ran, ${theirs.length} by the one that was paused`);
  });
});

/** Commits as fast as it can until `ended`; resolves to the epochs that it was told it has won, with their numbers. */
async function race(engine: LogEngine, channel: ChannelName, ended: Promise<unknown>): Promise<string[]> {
  const won: string[] = [];
  let isOver = false;
  void ended.then(() => (isOver = true));
  for (let epoch = 0n; !(isOver as boolean); ) {
    const [answer] = await append(engine, channel, [commit(epoch)]);
    if (answer?.kind === 'accepted') won.push(`${epoch} ${answer.seq}`);
    const isAway = answer?.kind === 'refused' && answer.reason === 'unavailable';
    if (!isAway) epoch = answer?.kind === 'refused' ? answer.currentEpoch : epoch + 1n;
    await wait(2); // lets the other one win as well
  }
  return won;
}
