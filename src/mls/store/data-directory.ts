import { join, resolve } from 'node:path';
import { Keyv } from 'keyv';
import type { AgentStore } from './agent-store.ts';
import { checkFormat } from './catalog.ts';
import { DirectoryLock } from './directory-lock.ts';
import { EncryptedRecords } from './encrypted-records.ts';
import { KeyFile } from './key-file.ts';
import { KeyTable } from './key-table.ts';
import { openStoreOn } from './keyv-agent-store.ts';
import { KeyvRecords } from './keyv-records.ts';
import { loadKeyvSqlite } from './keyv-sqlite.ts';
import type { KeyvSqlite, KeyvSqliteConstructor } from './keyv-sqlite.ts';
import { findLoosePermissions, makePrivateDirectory, makePrivateFile, tightenPermissions } from './private-files.ts';
import type { LoosePermissions } from './private-files.ts';
import { checkStateKey } from './state-key.ts';
import type { StateKey } from './state-key.ts';
import { storeError } from './store-errors.ts';
import type { StoreOptions } from './store-options.ts';

const KEY_FILE = 'agent.keys';
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

/** Options of {@link openDataDirectory}. */
export interface DataDirectoryOptions extends StoreOptions {
  /**
   * What the directory is encrypted under. The first opener decides whether it is; later ones must give the same key, or
   * none where none was given. {@link changeStateKey} changes that.
   */
  readonly key?: StateKey | undefined;
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
  /** As {@link changeStateKey}, while the directory is in use. */
  changeStateKey(key: StateKey): Promise<void>;
}

/**
 * Opens the data directory of one agent, and makes it if it is not there: an SQLite file that every acknowledged save
 * has reached (write-ahead log, synchronous FULL), in which deleted content is overwritten with zeros, for the eyes of its
 * owner only (directory 0700, files 0600). All records are encrypted, under keys of their own that stand in a small second
 * file and are erased there when what they protect is replaced; with a state key, that file is encrypted as well.
 *
 * The lock is taken before the first `await`: of two calls in one turn, the second is refused.
 *
 * @throws {@link RuntimeError} `data_dir_in_use`; `data_dir_version` and `state_key_wrong` with the data as it was;
 * `store_damaged`; `store_error`, also when the optional package `@keyv/sqlite` is not there
 */
export async function openDataDirectory(path: string, options: DataDirectoryOptions): Promise<DataDirectory> {
  const directory = resolve(path);
  if (options.key !== undefined) checkStateKey('key', options.key);
  const KeyvSqlite = (options.loadSqlite ?? loadKeyvSqlite)();
  makePrivateDirectory(directory);
  const lock = DirectoryLock.acquire(directory);
  let sqlite: KeyvSqlite | undefined;
  try {
    const file = join(directory, DATABASE_FILE);
    makePrivateFile(file);
    const keyFile = keyFileOf(directory);
    const owned = [directory, ...['', '-wal', '-shm'].map((suffix) => file + suffix), keyFile.path];
    // Before the connection makes files of its own, with the permissions of the database.
    const warnings: DataDirectoryWarning[] = findLoosePermissions(owned);
    sqlite = new KeyvSqlite({ uri: `sqlite://${file}`, busyTimeout: BUSY_TIMEOUT_MS });
    const opened = sqlite;
    const keyv = new Keyv({ store: opened, namespace: 'skytale', emitErrors: false });
    const records = new KeyvRecords(keyv);
    const isNew = !(await checkFormat(records));
    const table = await KeyTable.open(keyFile, options.key, isNew);

    tightenPermissions(owned);
    const journalMode = await configure(opened);
    if (journalMode !== 'wal') warnings.push({ kind: 'no-write-ahead-log', journalMode });
    const store = await openStoreOn(new EncryptedRecords(records, table), {
      ...options,
      onErased: () => purgeWriteAheadLog(opened),
      onClosed: () => release(opened, lock),
    });
    const changeStateKey = (key: StateKey): Promise<void> => table.changeStateKey(checkStateKey('key', key));
    return { path: directory, store, warnings, changeStateKey };
  } catch (error) {
    // The error that stopped the opening counts; a connection that never came about cannot be closed either.
    await Promise.allSettled([release(sqlite, lock)]);
    throw error;
  }
}

/**
 * Puts a data directory that nobody has open under another state key, or one without under its first. One small write:
 * whenever it is interrupted, either the old key opens the directory or the new one; when it resolves, only the new one.
 *
 * Who has had the old key together with a copy of the directory knows the agent's signature key and the groups as they
 * were: then the agent needs new keys, and a new state key does not help.
 *
 * @param change `from` is the key so far, if there is one
 * @throws {@link RuntimeError} `state_key_wrong` if `from` is not the key so far; `data_dir_in_use`; `store_error`
 */
export async function changeStateKey(
  path: string,
  { from, to }: { readonly from?: StateKey | undefined; readonly to: StateKey },
): Promise<void> {
  const directory = resolve(path);
  if (from !== undefined) checkStateKey('from', from);
  checkStateKey('to', to);
  const lock = DirectoryLock.acquire(directory);
  try {
    const table = await KeyTable.open(keyFileOf(directory), from, false);
    await table.changeStateKey(to);
  } finally {
    lock.release();
  }
}

function keyFileOf(directory: string): KeyFile {
  return new KeyFile(join(directory, KEY_FILE), KEY_FILE);
}

/** Sets what must hold on the connection; returns the journal mode that SQLite settled for. */
async function configure(sqlite: KeyvSqlite): Promise<string> {
  try {
    const [mode] = await sqlite.query('PRAGMA journal_mode = WAL');
    await sqlite.query('PRAGMA synchronous = FULL');
    await sqlite.query('PRAGMA secure_delete = ON');
    // Journals of statements and sorting would go to the system's directory for temporary files.
    await sqlite.query('PRAGMA temp_store = MEMORY');
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
