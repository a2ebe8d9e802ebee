import { basename } from 'node:path';
import { afterAll, beforeAll, describe } from 'vitest';
import { systemClock } from '../../src/base/clock.ts';
import { openNatsEngine } from '../../src/relay/engine/nats/index.ts';
import { natsMissing, startNats, startNatsCluster } from '../support/nats-server.ts';
import type { NatsServers } from '../support/nats-server.ts';
import { describeLogEngine } from './engine-conformance.ts';

describeOn('one nats-server', 1, startNats);
describeOn('three nats-servers', 3, startNatsCluster);

function describeOn(place: string, replicas: number, start: () => Promise<NatsServers>): void {
  describe.skipIf(natsMissing !== undefined)(`on ${place}`, () => {
    let nats: NatsServers;
    beforeAll(async () => {
      nats = await start();
    });
    afterAll(() => nats.stop());

    describeLogEngine(
      'nats',
      (directory, { clock, rules }) =>
        openNatsEngine({
          servers: nats.addresses,
          name: basename(directory),
          shards: 2,
          replicas,
          rules,
          isSyncAlways: true,
          // Tests set what the clock shows; what is waited for has to come.
          clock: { now: () => clock.now(), schedule: (delayMs, task) => systemClock.schedule(delayMs, task) },
        }),
      { durability: replicas === 1 ? 'disk' : 'replicated', shareEngine: true },
    );
  });
}
