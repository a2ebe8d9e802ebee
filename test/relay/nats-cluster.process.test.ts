import { jetstreamManager } from '@nats-io/jetstream';
import type { JetStreamManager } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import type { NatsConnection } from '@nats-io/transport-node';
import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { LogEngine } from '../../src/relay/engine/log-engine.ts';
import type { NatsEngineOptions } from '../../src/relay/engine/nats/index.ts';
import { natsMissing, startNatsCluster } from '../support/nats-server.ts';
import type { NatsServer, NatsServers } from '../support/nats-server.ts';
import { freshChannelName } from './engine/suite.ts';
import { append, freshLog, Load, openEngine, readChannel } from './nats-log.ts';
import { commit } from './support/submissions.ts';

/** More of each fault than fits into a run of all tests. */
const ROUNDS = Number(process.env['NATS_ROUNDS'] ?? 1);
const PATIENCE_MS = 90_000;

describe.skipIf(natsMissing !== undefined)('two relays on three nats-servers', () => {
  let nats: NatsServers;
  let connection: NatsConnection;
  let manager: JetStreamManager;
  beforeAll(async () => {
    nats = await startNatsCluster();
    connection = await connect({ servers: [...nats.addresses], maxReconnectAttempts: -1, reconnectTimeWait: 250 });
    manager = await jetstreamManager(connection, { checkAPI: false });
  });
  afterAll(async () => {
    await connection.close();
    await nats.stop();
  });

  /** The server that leads a stream. */
  const leaderOf = async (stream: string): Promise<NatsServer> => {
    for (;;) {
      const info = await manager.streams.info(stream).catch(() => undefined); // nobody leads just now
      const leader = nats.servers.find(({ name }) => name === info?.cluster?.leader);
      if (leader !== undefined) return leader;
      await wait(100);
    }
  };

  /** Runs faults under load from two engines; whatever was acknowledged has to be there, once, for every reader. */
  const survive = async (name: string, fault: (options: NatsEngineOptions) => Promise<void>): Promise<void> => {
    const options = freshLog(nats.addresses, { replicas: 3, shards: 1, isSyncAlways: true });
    const engines: LogEngine[] = [await openEngine(options), await openEngine(options)];
    const channels = Array.from({ length: 4 }, freshChannelName);
    const load = new Load(engines, channels);
    for (let round = 0; round < ROUNDS; round += 1) {
      await load.acknowledges(200);
      await fault(options);
    }
    await load.acknowledges(200);
    await load.end();
    const stored = await load.verify([...engines, await openEngine(options)], channels);
    expect(stored).toBe(load.acknowledged.size);
    console.log(
      `${name}: ${stored} stored, all acknowledged; longest silence ${load.longestSilenceMs} ms, ` +
        `${load.refusals} times unavailable`,
    );
  };

  test('lose nothing when the leader is killed', { timeout: PATIENCE_MS }, () =>
    survive('leader killed', async ({ name }) => {
      const leader = await leaderOf(`${name}-log-0`);
      await leader.kill('SIGKILL');
      await wait(500); // the others notice while it is away
      await leader.start();
    }),
  );

  test('lose nothing when the leader stands still', { timeout: PATIENCE_MS }, () =>
    survive('leader paused', async ({ name }) => {
      const leader = await leaderOf(`${name}-log-0`);
      leader.pause();
      await wait(12_000); // the others elect another leader, of which the old one does not know when it comes back
      leader.resume();
    }),
  );

  test('lose nothing when one server after the other is killed, and then all at once', { timeout: PATIENCE_MS }, () =>
    survive('all killed', async () => {
      for (const server of nats.servers) {
        await server.kill('SIGKILL');
        await server.start();
        await wait(1000);
      }
      await Promise.all(nats.servers.map((server) => server.kill('SIGKILL')));
      await Promise.all(nats.servers.map((server) => server.start()));
    }),
  );

  test(
    'agree on who has won each epoch when the leader is killed while they race',
    { timeout: PATIENCE_MS },
    async () => {
      const options = freshLog(nats.addresses, { replicas: 3, shards: 1, isSyncAlways: true });
      const engines = [await openEngine(options), await openEngine(options)];
      const channel = freshChannelName();
      const won: string[][] = engines.map(() => []);
      let isOver = false;
      const racing = engines.flatMap((engine, index) =>
        Array.from({ length: 3 }, async () => {
          for (let epoch = 0n; !isOver; ) {
            const [answer] = await append(engine, channel, [commit(epoch)]);
            if (answer?.kind === 'accepted') {
              won[index]!.push(`${epoch} ${answer.seq}`);
              await wait(15); // who has won knows it first: the others get their turn
            }
            if (answer?.kind === 'refused' && answer.reason === 'unavailable') await wait(20);
            else epoch = answer?.kind === 'refused' ? answer.currentEpoch : epoch + 1n;
          }
        }),
      );
      for (let kill = 0; kill < 2 * ROUNDS; kill += 1) {
        const goal = won.flat().length + 50;
        while (won.flat().length < goal) await wait(10);
        const leader = await leaderOf(`${options.name}-log-0`);
        await leader.kill('SIGKILL');
        await leader.start();
      }
      const goal = won.flat().length + 50;
      while (won.flat().length < goal) await wait(10);
      isOver = true;
      await Promise.all(racing);

      const log = (await readChannel(engines[0]!, channel)).map(({ epoch, seq }) => `${epoch} ${seq}`);
      expect(log.map((line) => line.split(' ')[0])).toEqual(log.map((_, epoch) => `${epoch}`));
      expect(won.flat().sort()).toEqual([...log].sort());
      for (const { length } of won) expect(length).toBeGreaterThan(0);
      console.log(`${log.length} epochs, won ${won.map(({ length }) => length).join(' and ')} times`);
    },
  );
});
