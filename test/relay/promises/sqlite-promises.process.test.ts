import { temporaryDirectory } from '../support/temp-dir.ts';
import { sqliteFleet } from './fleet.ts';
import { describeRelayPromises } from './promises.ts';

describeRelayPromises(
  'one relay with the embedded log',
  async ({ ttlDays } = { ttlDays: 7 }) => sqliteFleet(await temporaryDirectory(), ttlDays),
  {
    faults: 9,
    epochs: 20,
  },
);
