import type { Clock } from '../base/clock.ts';
import type { RelayLogger } from '../relay/index.ts';
import type { Database } from './database/database.ts';
import type { ControlLimits } from './limits.ts';
import type { PlanBook } from './billing/plan-book.ts';

/** What every service stands on. */
export interface Context {
  readonly database: Database;
  readonly clock: Clock;
  readonly logger: RelayLogger;
  readonly limits: ControlLimits;
  readonly plans: PlanBook;
}
