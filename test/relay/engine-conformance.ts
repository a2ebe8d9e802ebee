import { describeAccounts } from './engine/accounts.ts';
import { describeAnnouncements } from './engine/announcements.ts';
import { describeEpochs } from './engine/epochs.ts';
import { describeIdentity } from './engine/identity.ts';
import { describeLifecycle } from './engine/lifecycle.ts';
import { describeMetering } from './engine/metering.ts';
import { describeOrder } from './engine/order.ts';
import { describeRetention } from './engine/retention.ts';
import { EngineSuite } from './engine/suite.ts';
import type { EngineTraits, OpenEngine } from './engine/suite.ts';
import { describeWelcomeClaims } from './engine/welcome-claims.ts';

export type { EngineTraits, OpenEngine } from './engine/suite.ts';

/**
 * What every log engine must do, to be called once from the test file of each. The tests ask for what the port promises and
 * no more: numbers rise, but need be neither dense nor start at 1.
 */
export function describeLogEngine(name: string, open: OpenEngine, traits: EngineTraits): void {
  const suite = new EngineSuite(name, open, traits);
  describeOrder(suite);
  describeIdentity(suite);
  describeEpochs(suite);
  describeAccounts(suite);
  describeWelcomeClaims(suite);
  describeMetering(suite);
  describeRetention(suite);
  describeAnnouncements(suite);
  describeLifecycle(suite);
}
