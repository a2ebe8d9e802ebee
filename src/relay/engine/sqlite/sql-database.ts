/** What SQLite takes and gives. Integers are safe numbers. */
export type SqlValue = number | string | Uint8Array | null;

/** A prepared statement. Rows are arrays, in the order of the columns. */
export interface SqlStatement {
  /** Runs the statement; resolves to the number of rows that it changed. */
  run(parameters: readonly SqlValue[]): number;
  first(parameters: readonly SqlValue[]): readonly SqlValue[] | undefined;
  all(parameters: readonly SqlValue[]): readonly (readonly SqlValue[])[];
}

/** A port to one SQLite connection, synchronous, so that the driver can be exchanged. Errors are the driver's own. */
export interface SqlDatabase {
  exec(sql: string): void;
  prepare(sql: string): SqlStatement;
  /** The value of a pragma, after setting it if the text says so: `user_version`, `journal_mode=WAL`. */
  pragma(text: string): SqlValue;
  isInTransaction(): boolean;
  /** Whether the error says that another connection holds the file's lock. */
  isBusy(error: unknown): boolean;
  /** Whether the error says that the file is no database, or a broken one. */
  isDamaged(error: unknown): boolean;
  /** Whether the error says that the device failed. What SQLite believes to be on disk may then not be there. */
  isDeviceFailure(error: unknown): boolean;
  close(): void;
}

/** Prepares statements, by name. */
export function prepareAll<Name extends string>(
  database: SqlDatabase,
  sql: Readonly<Record<Name, string>>,
): Readonly<Record<Name, SqlStatement>> {
  const entries = Object.entries<string>(sql).map(([name, text]) => [name, database.prepare(text)] as const);
  return Object.fromEntries(entries) as Record<Name, SqlStatement>;
}
