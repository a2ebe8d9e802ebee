import type { Clock } from '../base/clock.ts';
import type { LogEngine } from './engine/log-engine.ts';
import type { RelayLogger } from './relay-logger.ts';
import type { RelayMetrics } from './relay-metrics.ts';
import { RetentionClock } from './retention-clock.ts';
import { TimeFile } from './time-file.ts';

/** What {@link startRetention} works with. */
export interface RetentionOptions {
  readonly engine: LogEngine;
  /** How long entries are kept. */
  readonly retentionMs: number;
  /** Keeps, over restarts, the time that retention has reached; without it a clock that is wrong at the start is believed. */
  readonly stateFile?: string | undefined;
  readonly clock: Clock;
  readonly logger: RelayLogger;
  readonly metrics: RelayMetrics;
}

/** Deletes what is too old, until it is stopped. */
export interface Retention {
  /** What an operator should know of it; empty if all is well. */
  warnings(): readonly string[];
  /** Resolves when no sweep runs. */
  idle(): Promise<void>;
  /** Starts no more sweeps. One that runs goes on until it is done, or the engine closed. */
  stop(): void;
  /** Resolves when it was stopped and no sweep runs any more. */
  readonly ended: Promise<void>;
}

/** How often what is too old is looked for, unless retention itself is shorter. */
const MAX_INTERVAL_MS = 60_000;
/** How long a clock that jumped ahead must stand there until it is believed, unless retention itself is shorter. */
const MAX_PATIENCE_MS = 24 * 60 * 60 * 1000;

/**
 * Deletes what was stored more than `retentionMs` ago, from now on. A sweep that takes long is not run into by the next one.
 * What happens when the clock jumps: {@link RetentionClock}.
 */
export async function startRetention(options: RetentionOptions): Promise<Retention> {
  const { engine, retentionMs, stateFile, clock, logger, metrics } = options;
  const intervalMs = Math.min(retentionMs, MAX_INTERVAL_MS);
  const patienceMs = Math.min(retentionMs, MAX_PATIENCE_MS);
  const memory = stateFile === undefined ? undefined : new TimeFile(stateFile, logger);
  const time = new RetentionClock(clock.now(), await memory?.read(), patienceMs);
  let isStopped = false;
  let isHeld = false;
  let elapsedMs = 0;
  let sweeping: Promise<void> | undefined;
  let cancel: () => void = () => undefined;
  let end: () => void = () => undefined;
  const ended = new Promise<void>((resolve) => (end = resolve));

  const plan = (): void => {
    cancel = clock.schedule(intervalMs, () => {
      elapsedMs += intervalMs;
      plan();
      sweeping ??= sweep().finally(() => (sweeping = undefined));
    });
  };
  const look = (): void => {
    const aheadMs = clock.now() - time.nowMs - elapsedMs;
    const verdict = time.observe(clock.now(), elapsedMs);
    elapsedMs = 0;
    if (verdict === 'jumped') {
      logger.error({ aheadMs, patienceMs }, 'the clock is far ahead of where it was; retention does not follow it yet');
    } else if (isHeld && (verdict === 'steady' || verdict === 'accepted')) {
      logger.warn({ verdict }, 'retention follows the clock again');
    }
    isHeld = verdict === 'jumped' || verdict === 'waiting';
  };
  const sweep = async (): Promise<void> => {
    look();
    try {
      const entries = await engine.trimStoredBefore(time.nowMs - retentionMs);
      metrics.trimmed(entries);
      if (entries > 0) logger.info({ entries }, 'retention has taken entries');
      await memory?.write(time.nowMs);
    } catch (error) {
      if (!isStopped) logger.error({ err: error }, 'retention cannot delete entries');
    }
  };

  plan();
  return {
    warnings: () => (isHeld ? ['the clock has jumped ahead; retention does not follow it yet'] : []),
    idle: async () => sweeping,
    stop: () => {
      isStopped = true;
      cancel();
      void Promise.resolve(sweeping).then(end);
    },
    ended,
  };
}
