import { describe } from 'vitest';
import { natsMissing, startNats, startNatsCluster } from '../../support/nats-server.ts';
import { natsFleet } from './fleet.ts';
import { describeRelayPromises } from './promises.ts';

describe.skipIf(natsMissing !== undefined)('relays over NATS JetStream', () => {
  describeRelayPromises('two relays over one nats-server', async () => natsFleet(await startNats()), {
    faults: 8,
    epochs: 20,
  });
  describeRelayPromises('two relays over three nats-servers', async () => natsFleet(await startNatsCluster()), {
    faults: 8,
    epochs: 10,
  });
});
