import type { Clock } from '../base/clock.ts';
import { RuntimeError } from '../base/errors.ts';
import type { LogEngine } from './engine/log-engine.ts';
import { openSqliteEngine } from './engine/sqlite/sqlite-engine.ts';
import type { RelayLimits } from './limits.ts';
import type { RelayLogger } from './relay-logger.ts';
import type { EngineOptions } from './relay-options.ts';

/** What engines of all kinds are given. */
export interface EngineContext {
  readonly dataDir: string | undefined;
  readonly limits: RelayLimits;
  readonly clock: Clock;
  readonly logger: RelayLogger;
}

/**
 * Opens the engine that was chosen.
 *
 * @throws {@link RuntimeError} `invalid_argument` without what that engine needs; `data_dir_in_use`, `data_dir_version`,
 * `store_damaged`, `store_error` if the log cannot be opened.
 */
export async function openEngine(engine: EngineOptions, context: EngineContext): Promise<LogEngine> {
  const { dataDir, limits, clock, logger } = context;
  if (dataDir === undefined) throw new RuntimeError('invalid_argument', 'Expected `dataDir`, where the log is kept.');
  return openSqliteEngine({
    dataDir,
    clock,
    rules: { staleEpochs: limits.staleEpochs, maxChannels: limits.maxChannels },
    ...(engine.maxBytes === undefined ? {} : { maxBytes: engine.maxBytes }),
    onStoreError: (error) => logger.error({ err: error }, 'the log cannot be written'),
  });
}
