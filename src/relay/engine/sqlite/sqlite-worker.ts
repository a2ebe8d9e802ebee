import { parentPort, workerData } from 'node:worker_threads';
import { systemClock } from '../../../base/clock.ts';
import { RuntimeError } from '../../../base/errors.ts';
import type { LogPage } from '../log-engine.ts';
import type { BatchOutcome } from './appender.ts';
import { packAnswers, unpackBatch } from './append-batch.ts';
import { openLog } from './open-log.ts';
import type { OpenedLog } from './open-log.ts';
import { packRuns } from './packed-runs.ts';
import type { SqliteLog } from './sqlite-log.ts';
import type {
  PackedOutcome,
  WorkerCalls,
  WorkerReady,
  WorkerRequest,
  WorkerResponse,
  WorkerSetup,
} from './worker-protocol.ts';

// The thread that owns the database: fsync blocks it and never the thread that serves the network.

if (parentPort === null) throw new Error('the SQLite worker was started outside of a worker thread');
const port = parentPort;

function callsOf(log: SqliteLog): WorkerCalls {
  let failedBatches = 0;
  const append = (...[batch, nowMs, spareForRuns, failedBefore]: Parameters<WorkerCalls['append']>): BatchOutcome => {
    try {
      if (failedBefore < failedBatches) throw new RuntimeError('store_error', 'a batch before it could not be stored');
      return log.append(unpackBatch(batch), nowMs, spareForRuns);
    } catch (error) {
      failedBatches += 1;
      throw error;
    }
  };
  return {
    append: (batch, ...rest) => {
      const { outcomes, appended, bytes, accessChanges } = append(batch, ...rest);
      const answers = outcomes.map((outcome) => packAnswers(outcome.answers));
      const usages = outcomes.map(({ usage }) => usage);
      return { spare: batch.bytes, answers, usages, appended: packRuns(appended, bytes), accessChanges };
    },
    read: (channel, afterSeq, limit, spare) => log.read(channel, afterSeq, limit, spare),
    state: (channel) => log.state(channel),
    commitSeq: (channel, epoch) => log.commitSeq(channel, epoch),
    welcome: (keyPackageRef, account) => log.welcome(keyPackageRef, account),
    access: (channel, account) => log.access(channel, account),
    admit: (channel, account) => log.admit(channel, account),
    expel: (channel, account) => log.expel(channel, account),
    usage: (account, monthStartMs) => log.usage(account, monthStartMs),
    health: () => ({ details: log.details(), isMarkBehind: log.isMarkBehind }),
    probe: (bytes) => log.probe(bytes),
    trimSlice: (channel, upToSeq) => log.trimSlice(channel, upToSeq),
    trimStoredBeforeSlice: (timeMs) => log.trimStoredBeforeSlice(timeMs),
    sweepIdsSlice: () => log.sweepIdsSlice(),
    close: () => log.close(),
  };
}

/** Without a call for so long, the thread has time for what can wait. */
const IDLE_MS = 50;

/** Calls that only read. What they cannot read is their caller's matter; the rest may be read, and written. */
const READS: ReadonlySet<string> = new Set<keyof WorkerCalls>([
  'read',
  'state',
  'commitSeq',
  'access',
  'usage',
  'health',
]);

/** The buffers in which the runs of a result lie, and the one of the batch. */
function transferable(value: unknown): ArrayBuffer[] {
  if (typeof value !== 'object' || value === null) return [];
  if ('appended' in value) {
    const { spare, appended } = value as PackedOutcome;
    return [spare, appended.bytes, appended.ends.buffer as ArrayBuffer];
  }
  const { run } = value as LogPage;
  return run === undefined ? [] : [run.bytes.buffer as ArrayBuffer];
}

/** @param isFinal whether the thread ends with this */
function postFailure(error: unknown, isFinal: boolean, isDamage = false): void {
  const text = error instanceof Error ? error.message : String(error);
  const otherCode = isDamage ? 'store_damaged' : 'store_error';
  const { code, message } =
    error instanceof RuntimeError ? error : new RuntimeError(otherCode, `the log's database: ${text}`);
  port.postMessage({
    ok: false,
    code,
    message: message.replace(/^runtime error: /, ''),
    isFinal,
  } satisfies WorkerResponse);
}

function open(): OpenedLog | undefined {
  try {
    const opened = openLog(workerData as WorkerSetup);
    const { wasChecked, acceptedLoss } = opened;
    port.postMessage({ ok: true, value: { wasChecked, acceptedLoss } satisfies WorkerReady });
    return opened;
  } catch (error) {
    postFailure(error, true);
    return undefined;
  }
}

function serve(log: SqliteLog): void {
  const calls = callsOf(log) as unknown as Record<string, (...args: readonly unknown[]) => unknown>;
  let isOver = false;
  let cancelTidyUp = (): void => undefined;
  const end = (): void => {
    isOver = true;
    cancelTidyUp();
    port.close();
  };
  const tidyUp = (): void => {
    try {
      log.tidyUp();
    } catch (error) {
      if (log.isFinal(error)) {
        postFailure(error, true, log.isDamage(error));
        end();
      }
      return; // what can pass is for the next append to tell, behind which this is tried again
    }
    planTidyUp(0);
  };
  const planTidyUp = (delayMs: number): void => {
    if (!isOver && log.isUntidy) cancelTidyUp = systemClock.schedule(delayMs, tidyUp);
  };
  port.on('message', ({ call, args }: WorkerRequest) => {
    cancelTidyUp();
    try {
      const value = calls[call]?.(...args);
      port.postMessage({ ok: true, value }, transferable(value));
    } catch (error) {
      const isFinal = !READS.has(call) && log.isFinal(error);
      postFailure(error, isFinal, log.isDamage(error));
      // Nothing more is written to a device of which nobody knows what it keeps. The next start finds out.
      if (isFinal) end();
    }
    if (call === 'close') end(); // behind its answer
    planTidyUp(IDLE_MS);
  });
  planTidyUp(IDLE_MS);
}

const opened = open();
if (opened === undefined) port.close();
else serve(opened.log);
