import { describe } from 'vitest';
import { natsMissing, startNats, startNatsCluster } from '../../support/nats-server.ts';
import { natsFleet } from './fleet.ts';
import { describeRelayPromises } from './promises.ts';

describe.skipIf(natsMissing !== undefined)('relays over NATS JetStream', () => {
  describeRelayPromises(
    'two relays over one nats-server',
    async ({ ttlDays } = { ttlDays: 7 }) => natsFleet(await startNats(), ttlDays),
    {
      faults: 8,
      epochs: 20,
    },
  );
  describeRelayPromises(
    'two relays over three nats-servers',
    async ({ ttlDays } = { ttlDays: 7 }) => natsFleet(await startNatsCluster(), ttlDays),
    {
      faults: 8,
      epochs: 10,
    },
  );
});
