import { RuntimeError } from '../../../base/errors.ts';
import type { SqlDatabase } from './sql-database.ts';

/** Raised when an older version could misread what this one writes. */
const FORMAT_VERSION = 1;
/** Marks the file as ours (SQLite's `application_id`): the letters `SkyL`. */
const APPLICATION_ID = 0x536b794c;

/**
 * `entries` has an integer rowid and a unique index: with a composite primary key and no rowid, bodies of a KiB spill
 * into overflow pages and cost three times the space and half the speed. Rowids are in log order over all channels,
 * which lets retention take the oldest rows without an index on time.
 */
const SCHEMA = `
  CREATE TABLE channels (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    mls_group BLOB NOT NULL,
    head_seq INTEGER NOT NULL,
    epoch INTEGER NOT NULL,
    trimmed_seq INTEGER NOT NULL DEFAULT 0
  );
  CREATE TABLE entries (
    id INTEGER PRIMARY KEY,
    channel INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    stored_at_ms INTEGER NOT NULL,
    message_id BLOB NOT NULL,
    checksum INTEGER NOT NULL,
    entry BLOB NOT NULL,
    UNIQUE (channel, seq)
  );
  CREATE TABLE message_ids (
    channel INTEGER NOT NULL,
    message_id BLOB NOT NULL,
    seq INTEGER NOT NULL,
    PRIMARY KEY (channel, message_id)
  ) WITHOUT ROWID;
  CREATE TABLE commits (
    channel INTEGER NOT NULL,
    epoch INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    PRIMARY KEY (channel, epoch)
  ) WITHOUT ROWID;
  CREATE TABLE welcomes (
    channel INTEGER NOT NULL,
    commit_seq INTEGER NOT NULL,
    part INTEGER NOT NULL,
    stored_at_ms INTEGER NOT NULL,
    payload BLOB NOT NULL,
    UNIQUE (channel, commit_seq, part)
  );
  CREATE TABLE welcome_refs (
    key_package_ref BLOB PRIMARY KEY,
    channel INTEGER NOT NULL,
    commit_seq INTEGER NOT NULL,
    part INTEGER NOT NULL,
    stored_at_ms INTEGER NOT NULL
  ) WITHOUT ROWID;
`;

/**
 * Takes the file for this connection alone, checks who wrote it, and creates the tables if it is new.
 *
 * @throws {@link RuntimeError} `data_dir_in_use` if another relay has it open, `data_dir_version` if a newer version
 * wrote it, `store_damaged` if it is something else than a relay's log.
 */
export function prepareDatabase(database: SqlDatabase, maxBytes: number | undefined): void {
  try {
    // Before the first access: the lock is then the kernel's, held as long as the process lives, and gone with it.
    database.pragma('locking_mode=EXCLUSIVE');
    checkOrigin(Number(database.pragma('application_id')), Number(database.pragma('user_version')), () =>
      Number(database.pragma('schema_version')),
    );
    database.pragma('journal_mode=WAL');
    database.exec('PRAGMA synchronous=FULL; PRAGMA cache_size=-32768; PRAGMA temp_store=MEMORY');
    if (maxBytes !== undefined) {
      database.pragma(`max_page_count=${Math.max(1, Math.floor(maxBytes / Number(database.pragma('page_size'))))}`);
    }
    database.exec('BEGIN EXCLUSIVE');
    if (Number(database.pragma('user_version')) === 0) {
      database.exec(`${SCHEMA} PRAGMA application_id=${APPLICATION_ID}; PRAGMA user_version=${FORMAT_VERSION};`);
    }
    database.exec('COMMIT');
  } catch (error) {
    if (error instanceof RuntimeError) throw error;
    if (database.isBusy(error)) {
      throw new RuntimeError('data_dir_in_use', 'another relay uses this data directory', { cause: error });
    }
    if (database.isDamaged(error)) {
      throw new RuntimeError('store_damaged', 'the log in the data directory is damaged, or no log', { cause: error });
    }
    throw new RuntimeError('store_error', 'the log in the data directory cannot be opened', { cause: error });
  }
}

function checkOrigin(applicationId: number, version: number, schemaVersion: () => number): void {
  if (version > FORMAT_VERSION && applicationId === APPLICATION_ID) {
    throw new RuntimeError(
      'data_dir_version',
      `the log in the data directory has format ${version}, this relay knows up to ${FORMAT_VERSION}: use a newer relay`,
    );
  }
  const isNew = applicationId === 0 && version === 0 && schemaVersion() === 0;
  if (!isNew && (applicationId !== APPLICATION_ID || version === 0)) {
    throw new RuntimeError('store_damaged', 'the database in the data directory is not the log of a relay');
  }
}
