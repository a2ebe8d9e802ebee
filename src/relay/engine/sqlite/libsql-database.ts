import Libsql from 'libsql';
import type { SqlDatabase, SqlStatement, SqlValue } from './sql-database.ts';

/**
 * Opens or creates an SQLite file with libsql. Its file is let go of when the database was closed and its statements have been
 * collected as garbage, or when the thread has ended.
 */
export function openLibsql(path: string): SqlDatabase {
  const database = new Libsql(path);
  const statements: LibsqlStatement[] = [];
  return {
    exec: (sql) => void database.exec(sql),
    prepare: (sql) => {
      const statement = new LibsqlStatement(() => database.prepare(sql));
      statements.push(statement);
      return statement;
    },
    pragma: (text) => {
      const row = database.prepare(`PRAGMA ${text}`).raw().get() as SqlValue[] | undefined;
      return row?.[0] ?? null;
    },
    isInTransaction: () => database.inTransaction,
    isBusy: (error) => codeOf(error).startsWith('SQLITE_BUSY'),
    isDamaged: (error) => /^SQLITE_(CORRUPT|NOTADB)/.test(codeOf(error)),
    isDeviceFailure: (error) => codeOf(error).startsWith('SQLITE_IOERR'),
    close: () => {
      for (const statement of statements.splice(0)) statement.drop();
      database.close();
    },
  };
}

type Prepared = Libsql.Statement<[readonly SqlValue[]]>;

/**
 * A statement for each way of asking: after `all`, libsql 0.5.29 answers `get` with the first row of the parameters
 * before, whatever the parameters are now.
 */
class LibsqlStatement implements SqlStatement {
  #prepare: (() => Prepared) | undefined;
  #running: Prepared | undefined;
  #single: Prepared | undefined;
  #many: Prepared | undefined;

  constructor(prepare: () => Prepared) {
    this.#prepare = prepare;
    this.#running = prepare(); // what is wrong with the text shows now
  }

  run(parameters: readonly SqlValue[]): number {
    return (this.#running ?? this.#open()).run(parameters).changes;
  }

  first(parameters: readonly SqlValue[]): readonly SqlValue[] | undefined {
    return (this.#single ??= this.#rows()).get(parameters) as readonly SqlValue[] | undefined;
  }

  all(parameters: readonly SqlValue[]): readonly (readonly SqlValue[])[] {
    return (this.#many ??= this.#rows()).all(parameters) as readonly (readonly SqlValue[])[];
  }

  /** Lets go of the driver's statements. */
  drop(): void {
    this.#prepare = undefined;
    this.#running = undefined;
    this.#single = undefined;
    this.#many = undefined;
  }

  /** Only a statement that returns columns may be switched to arrays; asking for it is cheaper here than per row. */
  #rows(): Prepared {
    const prepared = this.#open();
    prepared.raw();
    return prepared;
  }

  #open(): Prepared {
    if (this.#prepare === undefined) throw new Error('the database is closed');
    return this.#prepare();
  }
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : '';
}
