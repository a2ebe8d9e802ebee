import { RuntimeError } from '../../../base/errors.ts';
import { moveToSegments } from './move-to-segments.ts';
import { PLACES_SCHEMA } from './segment-table.ts';
import type { SqlDatabase } from './sql-database.ts';

/** Raised when an older version could misread what this one writes. */
const FORMAT_VERSION = 4;
/** Marks the file as ours (SQLite's `application_id`): the letters `SkyL`. */
const APPLICATION_ID = 0x536b794c;

/** A row for each entry. */
const VERSION_1 = `
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

/** Accounts, and what an operator who accepts a loss needs. */
const VERSION_2 = `
  ALTER TABLE channels ADD COLUMN is_claimed INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE channels ADD COLUMN access_changes INTEGER NOT NULL DEFAULT 0;
  CREATE TABLE members (
    channel INTEGER NOT NULL,
    account TEXT NOT NULL,
    PRIMARY KEY (channel, account)
  ) WITHOUT ROWID;
  ALTER TABLE welcome_refs ADD COLUMN account TEXT;
  ALTER TABLE welcome_refs ADD COLUMN has_admitted INTEGER NOT NULL DEFAULT 0;
  CREATE TABLE usage (
    account TEXT NOT NULL,
    month_start_ms INTEGER NOT NULL,
    messages INTEGER NOT NULL,
    PRIMARY KEY (account, month_start_ms)
  ) WITHOUT ROWID;
  CREATE TABLE losses (
    id INTEGER PRIMARY KEY,
    accepted_at_ms INTEGER NOT NULL,
    first_free_seq INTEGER NOT NULL,
    detail TEXT NOT NULL
  );
  CREATE TABLE lost_ranges (
    channel INTEGER NOT NULL,
    after_seq INTEGER NOT NULL,
    through_seq INTEGER NOT NULL,
    PRIMARY KEY (channel, after_seq)
  ) WITHOUT ROWID;
  CREATE TABLE probe (
    filler BLOB NOT NULL
  );
`;

/** What leads from each version to the next, an empty file being version 0: one path for files old and new. */
const MIGRATIONS: readonly ((database: SqlDatabase) => void)[] = [
  (database) => database.exec(VERSION_1),
  (database) => database.exec(VERSION_2),
  moveToSegments,
  (database) => database.exec(PLACES_SCHEMA),
];

/**
 * Takes the file for this connection alone and checks who wrote it.
 *
 * @returns the format version of the file, 0 if it is empty
 * @throws {@link RuntimeError} `data_dir_in_use` if another relay has it open, `data_dir_version` if a newer version
 * wrote it, `store_damaged` if it is something else than a relay's log.
 */
export function lockDatabase(database: SqlDatabase): number {
  // Before the first access: the lock is then the kernel's, held as long as the process lives, and gone with it.
  database.pragma('locking_mode=EXCLUSIVE');
  const version = Number(database.pragma('user_version'));
  checkOrigin(Number(database.pragma('application_id')), version, () => Number(database.pragma('schema_version')));
  database.pragma('journal_mode=WAL');
  database.exec('PRAGMA synchronous=FULL; PRAGMA cache_size=-32768; PRAGMA temp_store=MEMORY');
  database.exec('BEGIN EXCLUSIVE; COMMIT');
  return version;
}

/** Creates the tables of an empty file, or brings those of an older version up to date, in one transaction. */
export function migrateDatabase(database: SqlDatabase, version: number): void {
  if (version === FORMAT_VERSION) return;
  database.exec('BEGIN EXCLUSIVE');
  for (const migrate of MIGRATIONS.slice(version)) migrate(database);
  database.exec(`PRAGMA application_id=${APPLICATION_ID}; PRAGMA user_version=${FORMAT_VERSION}; COMMIT`);
}

/** Keeps a log within a size: the database and the files beside it together. */
export class SizeBound {
  readonly #database: SqlDatabase;
  readonly #maxBytes: number | undefined;

  /** @param maxBytes `undefined` for any size */
  constructor(database: SqlDatabase, maxBytes: number | undefined) {
    this.#database = database;
    this.#maxBytes = maxBytes;
  }

  /**
   * Leaves the database what the files beside it do not take: beyond that, writing to it fails as on a full disk. False if the
   * database is larger than that already.
   */
  take(fileBytes: number): boolean {
    if (this.#maxBytes === undefined) return true;
    const pages = Math.max(1, Math.floor((this.#maxBytes - fileBytes) / Number(this.#database.pragma('page_size'))));
    return Number(this.#database.pragma(`max_page_count=${pages}`)) <= pages; // never below what it has
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
