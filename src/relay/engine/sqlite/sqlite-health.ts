import { stat } from 'node:fs/promises';
import { RuntimeError } from '../../../base/errors.ts';
import type { EngineHealth } from '../log-engine.ts';
import type { WorkerHealth, WorkerReady } from './worker-protocol.ts';

/** What the engine knows about itself. */
export interface HealthFacts {
  /** Path of the database. */
  readonly path: string;
  readonly ready: WorkerReady;
  /** Whether the high-water marks could not be flushed. */
  readonly isFlushFailing: boolean;
  readonly unansweredBytes: number;
  readonly lastCommitMs: number;
}

const BASE = { engine: 'sqlite', durability: 'disk' } as const;

/**
 * Puts together how the log is. Never rejects.
 *
 * @param ask asks the log's thread; a rejection means that the log cannot be written, or is closed
 */
export async function healthOf(facts: HealthFacts, ask: () => Promise<WorkerHealth>): Promise<EngineHealth> {
  try {
    const { details, isMarkBehind } = await ask();
    const { acceptedLoss, wasChecked } = facts.ready;
    const warnings: string[] = [];
    if (acceptedLoss !== undefined) warnings.push(`a loss was accepted: ${acceptedLoss}`);
    if (isMarkBehind || facts.isFlushFailing) {
      warnings.push('the high-water marks cannot be written: a loss might not be noticed');
    }
    return {
      ...BASE,
      status: warnings.length === 0 ? 'ok' : 'degraded',
      warnings,
      details: {
        ...details,
        writeAheadBytes: await sizeOf(`${facts.path}-wal`),
        unansweredBytes: facts.unansweredBytes,
        lastCommitMs: facts.lastCommitMs,
        structure: wasChecked ? 'checked at the start' : 'not checked: the database is too large',
      },
    };
  } catch (error) {
    if (!(error instanceof RuntimeError)) throw error;
    return { ...BASE, status: 'failing', warnings: [error.message], details: {} };
  }
}

/** 0 if there is no such file. */
async function sizeOf(path: string): Promise<number> {
  return stat(path).then(
    ({ size }) => size,
    () => 0,
  );
}
