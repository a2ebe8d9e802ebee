import { join, resolve } from 'node:path';
import { Keyv } from 'keyv';
import type { AgentStore } from './agent-store.ts';
import { checkFormat } from './catalog.ts';
import { DirectoryLock } from './directory-lock.ts';
import type { GroupCodec } from './group-codec.ts';
import { openAgentStore } from './keyv-agent-store.ts';
import { KeyvRecords } from './keyv-records.ts';
import { loadKeyvSqlite } from './keyv-sqlite.ts';
import type { KeyvSqlite, KeyvSqliteConstructor } from './keyv-sqlite.ts';
import { findLoosePermissions, makePrivateDirectory, makePrivateFile, tightenPermissions } from './private-files.ts';
import type { LoosePermissions } from './private-files.ts';
import { storeError } from './store-errors.ts';

const DATABASE_FILE = 'agent.sqlite';
const BUSY_TIMEOUT_MS = 5000;

/** The file system cannot carry a write-ahead log; saves are as safe as with one, and slower. */
export interface NoWriteAheadLog {
  readonly kind: 'no-write-ahead-log';
  /** What SQLite uses instead, for example `delete`. */
  readonly journalMode: string;
}

/** What opening a data directory found and could put up with. */
export type DataDirectoryWarning = LoosePermissions | NoWriteAheadLog;

export interface DataDirectoryOptions {
  readonly codec: GroupCodec;
  /** See {@link AgentStoreOptions.foldAfterDeltas}. */
  readonly foldAfterDeltas?: number;
  /** @internal For tests: stands in for the optional package. */
  readonly loadSqlite?: () => KeyvSqliteConstructor;
}

/** A data directory that is open, and locked against other openers until its store is closed. */
export interface DataDirectory {
  /** Absolute. */
  readonly path: string;
  readonly store: AgentStore;
  /** For the caller to report. Loose permissions are repaired already. */
  readonly warnings: readonly DataDirectoryWarning[];
}

/**
 * Opens the data directory of one agent, and makes it if it is not there: an SQLite file that every acknowledged save
 * has reached (write-ahead log, synchronous FULL), in which deleted content is overwritten with zeros, for the eyes of its
 * owner only (directory 0700, files 0600).
 *
 * The lock is taken before the first `await`: of two calls in one turn, the second is refused.
 *
 * @throws {@link RuntimeError} `data_dir_in_use`; `data_dir_version` with the data as it was; `store_damaged`;
 * `store_error`, also when the optional package `@keyv/sqlite` is not there
 */
export async function openDataDirectory(path: string, options: DataDirectoryOptions): Promise<DataDirectory> {
  const directory = resolve(path);
  const KeyvSqlite = (options.loadSqlite ?? loadKeyvSqlite)();
  makePrivateDirectory(directory);
  const lock = DirectoryLock.acquire(directory);
  let sqlite: KeyvSqlite | undefined;
  try {
    const file = join(directory, DATABASE_FILE);
    makePrivateFile(file);
    const owned = [directory, ...['', '-wal', '-shm'].map((suffix) => file + suffix)];
    // Before the connection makes files of its own, with the permissions of the database.
    const warnings: DataDirectoryWarning[] = findLoosePermissions(owned);
    sqlite = new KeyvSqlite({ uri: `sqlite://${file}`, busyTimeout: BUSY_TIMEOUT_MS });
    const opened = sqlite;
    const keyv = new Keyv({ store: opened, namespace: 'skytale', emitErrors: false });
    await checkFormat(new KeyvRecords(keyv));

    tightenPermissions(owned);
    const journalMode = await configure(opened);
    if (journalMode !== 'wal') warnings.push({ kind: 'no-write-ahead-log', journalMode });
    const store = await openAgentStore({
      ...options,
      keyv,
      onErased: () => purgeWriteAheadLog(opened),
      onClosed: () => release(opened, lock),
    });
    return { path: directory, store, warnings };
  } catch (error) {
    // The error that stopped the opening counts; a connection that never came about cannot be closed either.
    await Promise.allSettled([release(sqlite, lock)]);
    throw error;
  }
}

/** Sets what must hold on the connection; returns the journal mode that SQLite settled for. */
async function configure(sqlite: KeyvSqlite): Promise<string> {
  try {
    const [mode] = await sqlite.query('PRAGMA journal_mode = WAL');
    await sqlite.query('PRAGMA synchronous = FULL');
    await sqlite.query('PRAGMA secure_delete = ON');
    return String(mode?.['journal_mode']);
  } catch (error) {
    throw storeError('configure the database', error);
  }
}

/** Secure deletion reaches the database file only: old pages stay in the write-ahead log until it is cut. */
async function purgeWriteAheadLog(sqlite: KeyvSqlite): Promise<void> {
  try {
    await sqlite.query('PRAGMA wal_checkpoint(TRUNCATE)');
  } catch (error) {
    const code = (error as { code?: unknown }).code;
    // Another channel is writing on the same connection: the next erasure cuts the log, and closing deletes it.
    if (code !== 'SQLITE_LOCKED' && code !== 'SQLITE_BUSY') throw storeError('cut the write-ahead log', error);
  }
}

async function release(sqlite: KeyvSqlite | undefined, lock: DirectoryLock): Promise<void> {
  try {
    await sqlite?.disconnect?.();
  } catch (error) {
    throw storeError('close the database', error);
  } finally {
    lock.release();
  }
}
