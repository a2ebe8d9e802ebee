import type { Clock } from '../base/clock.ts';
import type { LogEngine } from './engine/log-engine.ts';
import type { RelayLogger } from './relay-logger.ts';

/** How often what is too old is looked for, unless retention itself is shorter. */
const MAX_INTERVAL_MS = 60_000;

/** Deletes what was stored more than `retentionMs` ago, from now until the returned function is called. */
export function startRetention(engine: LogEngine, retentionMs: number, clock: Clock, logger: RelayLogger): () => void {
  let isStopped = false;
  let cancel: () => void = () => undefined;

  const plan = (): void => {
    if (!isStopped) cancel = clock.schedule(Math.min(retentionMs, MAX_INTERVAL_MS), () => void sweep());
  };
  const sweep = async (): Promise<void> => {
    try {
      const entries = await engine.trimStoredBefore(clock.now() - retentionMs);
      if (entries > 0) logger.info({ entries }, 'retention has taken entries');
    } catch (error) {
      if (!isStopped) logger.error({ err: error }, 'retention cannot delete entries');
    }
    plan();
  };

  plan();
  return () => {
    isStopped = true;
    cancel();
  };
}
