import { linkSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { RuntimeError } from '../../../base/errors.ts';
import type { LogRules } from '../log-rules.ts';
import { HighWaterMarks } from './high-water-marks.ts';
import type { ChannelMark } from './high-water-marks.ts';
import { openLibsql } from './libsql-database.ts';
import { prepareStatements } from './log-statements.ts';
import type { LogStatements } from './log-statements.ts';
import { findLoss } from './loss.ts';
import type { FoundChannel, Loss } from './loss.ts';
import { findMissingSegments, giveUp, lastPlace } from './missing-segments.ts';
import type { MissingSegments } from './missing-segments.ts';
import { lockDatabase, migrateDatabase, SizeBound } from './schema.ts';
import { SegmentFiles } from './segment-files.ts';
import type { SqlDatabase } from './sql-database.ts';
import { SqliteLog } from './sqlite-log.ts';

/** Of a file of entries. Retention gives disk space back by whole files. */
const MAX_FILE_BYTES = 64 * 1024 * 1024;

/** How a log is opened. */
export interface LogSetup {
  readonly path: string;
  readonly marksPath: string;
  readonly rules: LogRules;
  readonly maxBytes: number | undefined;
  /** The database is checked as a whole if it is no larger than this. */
  readonly maxCheckedBytes: number;
  /** Go on although acknowledged writes are missing. */
  readonly acceptLoss: boolean;
  readonly nowMs: number;
}

/** A log that was found to be whole, or whose loss was accepted. */
export interface OpenedLog {
  readonly log: SqliteLog;
  readonly wasChecked: boolean;
  /** What is missing, where that was accepted now. */
  readonly acceptedLoss: string | undefined;
}

/**
 * Opens the log for this process alone, and creates it if there is none. It is refused if it holds less than what was
 * acknowledged; then its write-ahead log is kept for repair as `relay.db-wal.refused`, because SQLite deletes it.
 *
 * @throws {@link RuntimeError} `data_dir_in_use`, `data_dir_version`, `store_damaged` or `store_error`
 */
export function openLog(setup: LogSetup): OpenedLog {
  const { path } = setup;
  const refuse = (error: unknown): never => {
    const refusal = refusalFor(database, error);
    if (refusal.code === 'store_damaged') keepWriteAheadLog(path);
    throw refusal;
  };
  let database: SqlDatabase | undefined;
  try {
    database = openLibsql(path);
    return openOn(database, setup);
  } catch (error) {
    try {
      return refuse(error);
    } finally {
      database?.close();
    }
  }
}

function openOn(database: SqlDatabase, setup: LogSetup): OpenedLog {
  const { marksPath, maxBytes, rules } = setup;
  const version = lockDatabase(database);
  const wasChecked = checkStructure(database, setup.maxCheckedBytes);
  if (version === 1 && HighWaterMarks.read(marksPath).condition === 'missing') {
    // Before the file becomes one whose marks may not be missing.
    HighWaterMarks.create(marksPath, marksOf(channelsOfVersion1(database))).close();
  }
  migrateDatabase(database, version);
  const bound = new SizeBound(database, maxBytes);
  const files = new SegmentFiles(dirname(setup.path), lastPlace(database), fileSizeFor(maxBytes), (bytes) =>
    bound.take(bytes),
  );

  const sql = prepareStatements(database);
  const missing = findMissingSegments(database, files);
  const loss = lossOf(findLoss(HighWaterMarks.read(marksPath), channelsOf(sql)), missing);
  if (loss !== undefined) {
    if (!setup.acceptLoss) {
      throw new RuntimeError(
        'store_damaged',
        `of what the log has acknowledged, ${loss.detail}. Restore the data directory, ` +
          'or go on without them by accepting the loss (`acceptLoss`): readers are then told of a gap',
      );
    }
    acceptLoss(database, sql, loss, missing, setup.nowMs);
  }
  const marks = HighWaterMarks.create(marksPath, marksOf(channelsOf(sql)));
  return { log: new SqliteLog(database, marks, files, sql, rules), wasChecked, acceptedLoss: loss?.detail };
}

/** Small where all must be small: what a file takes comes back when all of it is gone. */
function fileSizeFor(maxBytes = Number.MAX_SAFE_INTEGER): number {
  return Math.min(MAX_FILE_BYTES, maxBytes / 16);
}

/** What is missing, from the ends of channels and from the files beside the database. */
function lossOf(loss: Loss | undefined, missing: MissingSegments | undefined): Loss | undefined {
  if (missing === undefined) return loss;
  if (loss === undefined) return { channels: [], firstFreeSeq: 1, detail: `these are missing: ${missing.detail}` };
  return { ...loss, detail: `${loss.detail}, ${missing.detail}` };
}

/**
 * Moves channels on above the numbers that were given, and gives up segments that are missing, in one transaction: both read as
 * gaps.
 */
function acceptLoss(
  database: SqlDatabase,
  sql: LogStatements,
  loss: Loss,
  missing: MissingSegments | undefined,
  nowMs: number,
): void {
  database.exec('BEGIN IMMEDIATE');
  if (missing !== undefined) giveUp(database, missing);
  for (const { channel, mark } of loss.channels) {
    if (mark.headSeq > channel.headSeq) sql.insertLostRange.run([channel.id, channel.headSeq, mark.headSeq]);
    sql.skipLost.run([mark.headSeq, mark.epoch, mark.accessChanges, channel.id]);
  }
  const [, firstFreeSeq] = sql.selectLosses.first([]) as [number, number | null];
  // Above those of an earlier loss, too: the channels that are missing now may have started there.
  sql.insertLoss.run([Math.floor(nowMs), Math.max(loss.firstFreeSeq, firstFreeSeq ?? 1), loss.detail]);
  database.exec('COMMIT');
}

function checkStructure(database: SqlDatabase, maxBytes: number): boolean {
  const bytes = Number(database.pragma('page_count')) * Number(database.pragma('page_size'));
  if (bytes > maxBytes) return false;
  const finding = String(database.pragma('quick_check(1)'));
  if (finding === 'ok') return true;
  throw new RuntimeError('store_damaged', `the database of the log is damaged, restore it from a copy: ${finding}`);
}

function channelsOf(sql: LogStatements): FoundChannel[] {
  return sql.allChannels.all([]).map((row) => {
    const [id, name, headSeq, epoch, accessChanges] = row as [number, string, number, number, number];
    return { id, name, headSeq, epoch, accessChanges };
  });
}

function channelsOfVersion1(database: SqlDatabase): FoundChannel[] {
  return database
    .prepare('SELECT id, name, head_seq, epoch FROM channels')
    .all([])
    .map((row) => {
      const [id, name, headSeq, epoch] = row as [number, string, number, number];
      return { id, name, headSeq, epoch, accessChanges: 0 };
    });
}

function marksOf(channels: readonly FoundChannel[]): [number, string, ChannelMark][] {
  return channels.map((channel) => [channel.id, channel.name, channel]);
}

function refusalFor(database: SqlDatabase | undefined, error: unknown): RuntimeError {
  if (error instanceof RuntimeError) return error;
  if (database?.isBusy(error) === true) {
    return new RuntimeError('data_dir_in_use', 'another relay uses this data directory', { cause: error });
  }
  if (database?.isDamaged(error) === true) {
    return new RuntimeError('store_damaged', 'the log in the data directory is damaged, or no log', { cause: error });
  }
  return new RuntimeError('store_error', `the log in the data directory cannot be opened: ${textOf(error)}`, {
    cause: error,
  });
}

function keepWriteAheadLog(path: string): void {
  const log = `${path}-wal`;
  const kept = `${log}.refused`;
  const size = (file: string): number => statSync(file, { throwIfNoEntry: false })?.size ?? 0;
  // A link, not a copy: it needs no room, and SQLite only takes the other name away. The first one is kept.
  if (size(log) > 0 && size(kept) === 0) linkSync(log, kept);
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
