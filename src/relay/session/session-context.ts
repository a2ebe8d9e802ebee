import type { Clock } from '../../base/clock.ts';
import type { AccessControl } from '../access/index.ts';
import type { DeliveryHub } from '../delivery/delivery-hub.ts';
import type { LogEngine } from '../engine/log-engine.ts';
import type { RelayLimits } from '../limits.ts';
import type { RelayLogger } from '../relay-logger.ts';
import type { RelayMetrics } from '../relay-metrics.ts';

/** What all sessions of a relay share. */
export interface SessionContext {
  readonly engine: LogEngine;
  readonly hub: DeliveryHub;
  readonly limits: RelayLimits;
  readonly clock: Clock;
  readonly logger: RelayLogger;
  readonly metrics: RelayMetrics;
  /** Absent: the relay is open. Whoever reaches it may do everything, and no rates hold. */
  readonly access?: AccessControl;
}
