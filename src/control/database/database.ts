/** What both databases take and give. Integers are safe numbers; flags are 0 and 1; times are Unix milliseconds. */
export type SqlValue = number | string | Uint8Array | null;

/** A row by the names of its columns. */
export type Row = Readonly<Record<string, SqlValue>>;

/** Statements on one database, or inside one transaction. Each `?` in a text stands for the next parameter. */
export interface Sql {
  /** All rows, in the statement's order. `R` is what its columns are. */
  all<R extends object = Row>(text: string, ...parameters: readonly SqlValue[]): Promise<readonly R[]>;
  /** The first row. */
  first<R extends object = Row>(text: string, ...parameters: readonly SqlValue[]): Promise<R | undefined>;
  /** The number of rows that were changed. */
  run(text: string, ...parameters: readonly SqlValue[]): Promise<number>;
}

/** A transaction: isolated from all others, as if they ran one after the other. */
export interface Transaction extends Sql {
  /** Tells every process on this database that something has changed, once that is committed. */
  tell(topic: string): Promise<void>;
}

/**
 * Where the control plane keeps everything, as a port: SQLite for one process, PostgreSQL for several. Rejects with
 * {@link DatabaseUnavailable} where a later try may succeed, and with the driver's error otherwise.
 */
export interface Database extends Sql {
  /**
   * Commits what `work` does, or nothing of it if it throws. It may run more than once, so it does nothing beside its statements.
   */
  transaction<T>(work: (sql: Transaction) => Promise<T>): Promise<T>;
  /** Calls `listener` with each topic that is told, here or by another process. A topic may be lost, or come twice. */
  onTold(listener: (topic: string) => void): () => void;
  /** Whether the error says that a row with such a key is there already. */
  isDuplicate(error: unknown): boolean;
  close(): Promise<void>;
}

/** The database does not answer now. */
export class DatabaseUnavailable extends Error {
  constructor(cause: unknown) {
    super('the database is unavailable', { cause });
    this.name = 'DatabaseUnavailable';
  }
}
