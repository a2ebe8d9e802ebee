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
  readonly retentionMs: number;
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
  const { dataDir, retentionMs, limits, clock, logger } = context;
  const rules = { staleEpochs: limits.staleEpochs, maxChannels: limits.maxChannels };
  switch (engine.kind) {
    case 'memory': {
      const { openMemoryEngine } = await import('./engine/memory/index.ts');
      return openMemoryEngine({ ...engine, clock, rules });
    }
    case 'sqlite': {
      if (dataDir === undefined)
        throw new RuntimeError('invalid_argument', 'Expected `dataDir`, where the log is kept.');
      return openSqliteEngine({
        ...engine,
        dataDir,
        clock,
        rules,
        onStoreError: (error) => logger.error({ err: error }, 'the log cannot be written'),
      });
    }
    case 'nats': {
      // Its client is not loaded by relays that do not use it.
      const { openNatsEngine } = await import('./engine/nats/index.ts');
      return openNatsEngine({
        ...engine,
        retentionMs,
        clock,
        rules,
        onWarning: (message) => logger.warn({ engine: 'nats' }, message),
      });
    }
  }
}
