import { chmodSync, mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import Libsql from 'libsql';
import { RuntimeError } from '../../base/errors.ts';
import type { Database, Row, SqlValue, Transaction } from './database.ts';
import { Listeners } from './listeners.ts';
import { migrate } from './migrate.ts';

type Statement = Libsql.Statement<[readonly SqlValue[]]>;

/**
 * Opens or creates an SQLite file for this process alone; `:memory:` is one that goes with it. What is committed is on disk.
 *
 * Statements run one after the other on the caller's thread, each some 10 µs, a commit as long as the disk takes to flush.
 *
 * @throws {@link RuntimeError} `data_dir_in_use`, `data_dir_version`, `store_damaged` or `store_error`
 */
export async function openSqlite(path: string): Promise<Database> {
  let database: SqliteDatabase | undefined;
  try {
    if (path !== ':memory:') mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    database = new SqliteDatabase(new Libsql(path));
    await database.prepare();
    if (path !== ':memory:') chmodSync(path, 0o600);
    return database;
  } catch (error) {
    await database?.close();
    throw refusalFor(error);
  }
}

class SqliteDatabase implements Database {
  readonly #connection: Libsql.Database;
  readonly #statements = new Map<string, Statement>(); // texts are constants of the source, so they are few
  readonly #listeners = new Listeners();
  #isOurs = false;
  /** Settles when the transaction that is under way, and all that wait behind it, have ended. */
  #turn: Promise<unknown> = Promise.resolve();

  constructor(connection: Libsql.Database) {
    this.#connection = connection;
  }

  /** Locks the file and brings it up to date. */
  async prepare(): Promise<void> {
    this.#pragma('locking_mode=EXCLUSIVE');
    this.#pragma('journal_mode=WAL');
    for (const text of ['synchronous=FULL', 'foreign_keys=ON', 'secure_delete=ON']) this.#pragma(text);
    this.#connection.exec('BEGIN EXCLUSIVE; COMMIT');
    this.#isOurs = true;
    await this.transaction((sql) =>
      migrate({
        sql,
        script: (text) => attempt(() => void this.#connection.exec(text)),
        hasTables: async () => (await sql.first(`SELECT 1 FROM sqlite_master WHERE type = 'table'`)) !== undefined,
      }),
    );
  }

  all<R extends object = Row>(text: string, ...parameters: readonly SqlValue[]): Promise<readonly R[]> {
    return this.#inTurn(() => this.#all<R>(text, parameters));
  }

  async first<R extends object = Row>(text: string, ...parameters: readonly SqlValue[]): Promise<R | undefined> {
    return (await this.all<R>(text, ...parameters))[0];
  }

  run(text: string, ...parameters: readonly SqlValue[]): Promise<number> {
    return this.#inTurn(() => this.#prepared(text).run(parameters).changes);
  }

  async transaction<T>(work: (sql: Transaction) => Promise<T>): Promise<T> {
    const topics: string[] = [];
    const sql = this.#inside(topics);
    const result = await this.#inTurn(async () => {
      this.#connection.exec('BEGIN IMMEDIATE');
      try {
        const value = await work(sql);
        this.#connection.exec('COMMIT');
        return value;
      } catch (error) {
        if (this.#connection.inTransaction) this.#connection.exec('ROLLBACK');
        throw error;
      }
    });
    for (const topic of topics) this.#listeners.tell(topic);
    return result;
  }

  onTold(listener: (topic: string) => void): () => void {
    return this.#listeners.add(listener);
  }

  isDuplicate(error: unknown): boolean {
    return /^SQLITE_CONSTRAINT_(UNIQUE|PRIMARYKEY)/.test(codeOf(error));
  }

  async close(): Promise<void> {
    await this.#inTurn(() => {
      this.#statements.clear();
      // The file stays locked until the statements are collected as garbage, unless it is let go of first. A connection that has
      // taken a file for itself in WAL mode can do that only outside of it.
      if (this.#isOurs) {
        for (const text of ['journal_mode=DELETE', 'locking_mode=NORMAL', 'user_version']) this.#pragma(text);
      }
      this.#connection.close();
    });
  }

  /** One connection has one transaction: whoever comes meanwhile waits, so that nobody sees, or joins, another's. */
  async #inTurn<T>(work: () => T | Promise<T>): Promise<T> {
    const before = this.#turn;
    const mine = (async () => {
      await before;
      return work();
    })();
    this.#turn = mine.catch(() => undefined); // it is the caller's to handle
    return mine;
  }

  #inside(topics: string[]): Transaction {
    return {
      all: <R extends object = Row>(text: string, ...parameters: readonly SqlValue[]) =>
        attempt(() => this.#all<R>(text, parameters)),
      first: <R extends object = Row>(text: string, ...parameters: readonly SqlValue[]) =>
        attempt(() => this.#all<R>(text, parameters)[0]),
      run: (text, ...parameters) => attempt(() => this.#prepared(text).run(parameters).changes),
      tell: (topic) => attempt(() => void topics.push(topic)),
    };
  }

  /** Also for the first row: libsql 0.5.29 answers `get` wrongly after `all` on one statement. */
  // eslint-disable-next-line @typescript-eslint/no-unnecessary-type-parameters -- the caller's statement says what it gives
  #all<R extends object>(text: string, parameters: readonly SqlValue[]): readonly R[] {
    return this.#prepared(text)
      .all(parameters)
      .map((row) => withBytes(row as object) as R);
  }

  #pragma(text: string): void {
    this.#connection.prepare(`PRAGMA ${text}`).all();
  }

  #prepared(text: string): Statement {
    let statement = this.#statements.get(text);
    if (statement === undefined) this.#statements.set(text, (statement = this.#connection.prepare(text)));
    return statement;
  }
}

/** libsql gives blobs as `ArrayBuffer`, and takes them as views only. */
function withBytes(row: object): object {
  const columns = Object.entries(row as Record<string, unknown>);
  return Object.fromEntries(
    columns.map(([name, value]) => [name, value instanceof ArrayBuffer ? new Uint8Array(value) : value]),
  );
}

/** What `work` returns or throws, as a promise. */
function attempt<T>(work: () => T): Promise<T> {
  return new Promise((resolve) => resolve(work()));
}

function refusalFor(error: unknown): RuntimeError {
  if (error instanceof RuntimeError) return error;
  const code = codeOf(error);
  if (code.startsWith('SQLITE_BUSY')) {
    return new RuntimeError('data_dir_in_use', "another process uses the control plane's database", { cause: error });
  }
  if (/^SQLITE_(CORRUPT|NOTADB)/.test(code)) {
    return new RuntimeError('store_damaged', "the control plane's database is damaged, or none", { cause: error });
  }
  const text = error instanceof Error ? error.message : String(error);
  return new RuntimeError('store_error', `the control plane's database cannot be opened: ${text}`, { cause: error });
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : '';
}
