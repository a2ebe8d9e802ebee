import Libsql from 'libsql';
import type { SqlDatabase, SqlStatement, SqlValue } from './sql-database.ts';

/** Opens or creates an SQLite file with libsql. */
export function openLibsql(path: string): SqlDatabase {
  const database = new Libsql(path);
  return {
    exec: (sql) => void database.exec(sql),
    prepare: (sql) => statementOf(database, sql),
    pragma: (text) => {
      const row = database.prepare(`PRAGMA ${text}`).raw().get() as SqlValue[] | undefined;
      return row?.[0] ?? null;
    },
    isInTransaction: () => database.inTransaction,
    isBusy: (error) => codeOf(error).startsWith('SQLITE_BUSY'),
    isDamaged: (error) => /^SQLITE_(CORRUPT|NOTADB)/.test(codeOf(error)),
    isDeviceFailure: (error) => codeOf(error).startsWith('SQLITE_IOERR'),
    close: () => void database.close(),
  };
}

function statementOf(database: Libsql.Database, sql: string): SqlStatement {
  const statement = database.prepare<[readonly SqlValue[]]>(sql);
  let isRaw = false;
  // Only a statement that returns columns may be switched to arrays; asking for it is cheaper here than per row.
  const rows = (): typeof statement => {
    if (!isRaw) statement.raw();
    isRaw = true;
    return statement;
  };
  return {
    run: (parameters) => statement.run(parameters).changes,
    first: (parameters) => rows().get(parameters) as readonly SqlValue[] | undefined,
    all: (parameters) => rows().all(parameters) as readonly (readonly SqlValue[])[],
  };
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : '';
}
