import { chmodSync, closeSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'libsql';
import { RuntimeError } from '../../base/errors.ts';
import { storeError } from './store-errors.ts';

const LOCK_FILE = 'owner.lock';
const PID_FILE = 'owner.pid';

/**
 * That a directory belongs to this opener and to nobody else, in this process or another.
 *
 * The lock is that of an SQLite transaction on a file of its own, so the operating system ends it with the process, however
 * that ends. On POSIX it is also lost when this process opens and closes the file in any other way: nothing but SQLite
 * may touch it, which is why the owner's process id stands in a second file.
 */
export class DirectoryLock {
  readonly #database: Database.Database;
  readonly #pidFile: string;
  #isHeld = true;

  private constructor(database: Database.Database, pidFile: string) {
    this.#database = database;
    this.#pidFile = pidFile;
  }

  /**
   * Locks `directory`, which must exist. Synchronous, and does not wait.
   *
   * @throws {@link RuntimeError} `data_dir_in_use` with the owner's process id, `store_error` if there is no locking
   */
  static acquire(directory: string): DirectoryLock {
    const pidFile = join(directory, PID_FILE);
    const database = openLockFile(join(directory, LOCK_FILE));
    try {
      // Nothing is ever written, so nothing needs a journal file beside the lock.
      database.exec('PRAGMA journal_mode = MEMORY');
      database.exec('BEGIN EXCLUSIVE');
    } catch (error) {
      database.close();
      if ((error as { code?: unknown }).code === 'SQLITE_BUSY') throw inUse(directory, readPid(pidFile), error);
      throw storeError(`lock ${directory}`, error);
    }
    try {
      writeFileSync(pidFile, `${process.pid}\n`, { mode: 0o600 });
    } catch (error) {
      database.close();
      throw storeError(`write ${pidFile}`, error);
    }
    return new DirectoryLock(database, pidFile);
  }

  /** Lets go of the directory. May be called again. */
  release(): void {
    if (!this.#isHeld) return;
    this.#isHeld = false;
    try {
      // The process id first: once the lock is free, the file is the next owner's.
      rmSync(this.#pidFile, { force: true });
    } finally {
      this.#database.close();
    }
  }
}

function openLockFile(path: string): Database.Database {
  try {
    createPrivately(path);
    return new Database(path, { timeout: 0 });
  } catch (error) {
    throw storeError(`open ${path}`, error);
  }
}

/** Makes the file if it is not there. One that is there is not opened: closing it again would end the owner's lock. */
function createPrivately(path: string): void {
  try {
    closeSync(openSync(path, 'wx', 0o600));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    if (process.platform !== 'win32') chmodSync(path, 0o600);
  }
}

function readPid(path: string): string {
  try {
    const pid = readFileSync(path, 'utf8').trim();
    return /^\d+$/.test(pid) ? `process ${pid}` : 'another process';
  } catch {
    // The owner is just starting or just ending: there is one all the same.
    return 'another process';
  }
}

function inUse(directory: string, owner: string, cause: unknown): RuntimeError {
  const who = owner === `process ${process.pid}` ? `${owner}, which is this one` : owner;
  return new RuntimeError(
    'data_dir_in_use',
    `the data directory ${directory} is in use by ${who}. ` +
      `One agent, one data directory: stop the other agent, or give this one a directory of its own`,
    { cause },
  );
}
