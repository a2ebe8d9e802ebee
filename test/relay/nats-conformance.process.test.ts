import { basename } from 'node:path';
import { afterAll, beforeAll, describe } from 'vitest';
import { systemClock } from '../../src/base/clock.ts';
import { openNatsEngine } from '../../src/relay/engine/nats/index.ts';
import { natsMissing, startNats } from '../support/nats-server.ts';
import type { NatsServers } from '../support/nats-server.ts';
import { describeLogEngine } from './engine-conformance.ts';

describe.skipIf(natsMissing !== undefined)('on one nats-server', () => {
  let nats: NatsServers;
  beforeAll(async () => {
    nats = await startNats();
  });
  afterAll(() => nats.stop());

  describeLogEngine(
    'nats',
    (place, { clock, rules }) =>
      openNatsEngine({
        servers: nats.addresses,
        name: basename(place),
        shards: 2,
        replicas: 1,
        rules,
        clock: { now: () => clock.now(), schedule: (delayMs, task) => systemClock.schedule(delayMs, task) },
      }),
    { durability: 'disk', shareEngine: true },
  );
});
