import { parentPort, workerData } from 'node:worker_threads';
import { RuntimeError } from '../../../base/errors.ts';
import type { LogPage } from '../log-engine.ts';
import { packAnswers, unpackBatch } from './append-batch.ts';
import { openLibsql } from './libsql-database.ts';
import { prepareDatabase } from './schema.ts';
import { SqliteLog } from './sqlite-log.ts';
import type { PackedOutcome, WorkerCalls, WorkerRequest, WorkerResponse, WorkerSetup } from './worker-protocol.ts';

// The thread that owns the database: fsync blocks it and never the thread that serves the network.

if (parentPort === null) throw new Error('the SQLite worker was started outside of a worker thread');
const port = parentPort;

function open({ path, maxBytes, rules }: WorkerSetup): SqliteLog {
  const database = openLibsql(path);
  try {
    prepareDatabase(database, maxBytes);
    return new SqliteLog(database, rules);
  } catch (error) {
    database.close();
    throw error;
  }
}

function callsOf(log: SqliteLog): WorkerCalls {
  return {
    append: (batch, nowMs) => {
      const { answers, appended } = log.append(unpackBatch(batch), nowMs);
      return { answers: answers.map(packAnswers), appended };
    },
    read: (channel, afterSeq, limit) => log.read(channel, afterSeq, limit),
    state: (channel) => log.state(channel),
    commitSeq: (channel, epoch) => log.commitSeq(channel, epoch),
    welcome: (keyPackageRef) => log.welcome(keyPackageRef),
    trimSlice: (channel, upToSeq) => log.trimSlice(channel, upToSeq),
    trimStoredBeforeSlice: (timeMs) => log.trimStoredBeforeSlice(timeMs),
    close: () => log.close(),
  };
}

/** Runs `work` and posts what it returns or throws. */
function answer<T>(work: () => T): T | undefined {
  try {
    const value = work();
    port.postMessage({ ok: true, value: value instanceof SqliteLog ? undefined : value }, transferable(value));
    return value;
  } catch (error) {
    const { code, message } =
      error instanceof RuntimeError ? error : new RuntimeError('store_error', `the log's database: ${textOf(error)}`);
    port.postMessage({ ok: false, code, message: message.replace(/^runtime error: /, '') } satisfies WorkerResponse);
    return undefined;
  }
}

/** The buffer in which all runs of a result lie. */
function transferable(value: unknown): ArrayBuffer[] {
  if (typeof value !== 'object' || value === null) return [];
  const run = 'appended' in value ? (value as PackedOutcome).appended[0]?.run : (value as LogPage).run;
  return run === undefined ? [] : [run.bytes.buffer as ArrayBuffer];
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

const log = answer(() => open(workerData as WorkerSetup));
if (log === undefined) {
  port.close();
} else {
  const calls = callsOf(log) as unknown as Record<string, (...args: readonly unknown[]) => unknown>;
  port.on('message', ({ call, args }: WorkerRequest) => {
    answer(() => calls[call]?.(...args));
    if (call === 'close') port.close(); // behind its answer
  });
}
