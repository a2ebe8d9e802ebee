import { Pool, TypeOverrides, types } from 'pg';
import type { PoolClient, PoolConfig } from 'pg';
import { sleepUnlessAborted, systemClock } from '../../base/clock.ts';
import { RuntimeError } from '../../base/errors.ts';
import { systemRandom } from '../../base/random.ts';
import type { RelayLogger } from '../../relay/index.ts';
import { Backoff } from '../../streams/index.ts';
import type { PostgresChoice } from '../control-plane-options.ts';
import { DatabaseUnavailable } from './database.ts';
import type { Database, Row, Sql, SqlValue, Transaction } from './database.ts';
import { migrate } from './migrate.ts';
import { CHANGES_CHANNEL, PostgresListener } from './postgres-listener.ts';

/** What the database has for its answer, in ms. */
const STATEMENT_TIMEOUT_MS = 10_000;
/** How often a transaction is tried that met another. */
const TRIES = 10;
/** Keeps processes that start at the same time from migrating at the same time: the letters `SkyC`. */
const MIGRATION_LOCK = 0x536b7943;

const NEVER = new AbortController().signal;

/**
 * Connects to PostgreSQL. Transactions are serializable, and run again if they met another; changes are told with `NOTIFY`.
 *
 * @throws {@link RuntimeError} `invalid_argument`, `data_dir_version`, `store_damaged` or `store_error`
 */
export async function openPostgres(choice: PostgresChoice, logger: RelayLogger): Promise<Database> {
  if (!/^postgres(?:ql)?:\/\//.test(choice.url)) {
    throw new RuntimeError('invalid_argument', 'Expected `database.url` to start with postgres://.');
  }
  const config: PoolConfig = {
    connectionString: choice.url,
    max: choice.maxConnections ?? 10,
    connectionTimeoutMillis: STATEMENT_TIMEOUT_MS,
    statement_timeout: STATEMENT_TIMEOUT_MS,
    application_name: 'skytale control plane',
    types: numberTypes(),
  };
  const database = new PostgresDatabase(config, logger);
  try {
    await database.prepare();
    return database;
  } catch (error) {
    await database.close();
    if (error instanceof RuntimeError) throw error;
    const cause = error instanceof DatabaseUnavailable ? error.cause : error;
    const text = cause instanceof Error ? cause.message : String(cause);
    throw new RuntimeError('store_error', `the control plane's database cannot be opened: ${text}`, { cause });
  }
}

class PostgresDatabase implements Database {
  readonly #pool: Pool;
  readonly #listener: PostgresListener;

  constructor(config: PoolConfig, logger: RelayLogger) {
    this.#pool = new Pool(config);
    // One that waits for work: the next statement takes another.
    this.#pool.on('error', (error) => logger.warn({ err: error }, 'a connection to the database was lost'));
    this.#listener = new PostgresListener(config, logger);
  }

  async prepare(): Promise<void> {
    await this.#transact('BEGIN', async (client) => {
      await client.query('SELECT pg_advisory_xact_lock($1)', [MIGRATION_LOCK]);
      await migrate({
        sql: sqlOn(client),
        script: async (text) => {
          await client.query(inPostgresWords(text));
        },
        hasTables: async () => {
          const { rows } = await client.query(`SELECT to_regclass('skytale_control_plane') AS name`);
          return (rows[0] as { name: unknown } | undefined)?.name !== null;
        },
      });
    });
    await this.#listener.start();
  }

  async all<R extends object = Row>(text: string, ...parameters: readonly SqlValue[]): Promise<readonly R[]> {
    return (await this.#query(text, parameters)).rows as R[];
  }

  async first<R extends object = Row>(text: string, ...parameters: readonly SqlValue[]): Promise<R | undefined> {
    return (await this.all<R>(text, ...parameters))[0];
  }

  async run(text: string, ...parameters: readonly SqlValue[]): Promise<number> {
    return (await this.#query(text, parameters)).rowCount ?? 0;
  }

  async transaction<T>(work: (sql: Transaction) => Promise<T>): Promise<T> {
    // The server lives in real time, whatever the control plane's clock says.
    const ports = { clock: systemClock, random: systemRandom };
    const backoff = new Backoff({ minMs: 2, maxMs: 200, jitter: 1 }, ports);
    for (let left = TRIES - 1; ; left -= 1) {
      try {
        return await this.#transact('BEGIN ISOLATION LEVEL SERIALIZABLE', (client) => work(transactionOn(client)));
      } catch (error) {
        if (!isConflict(error)) throw error;
        if (left === 0) throw new DatabaseUnavailable(error);
      }
      await sleepUnlessAborted(systemClock, backoff.nextDelayMs(), NEVER);
    }
  }

  onTold(listener: (topic: string) => void): () => void {
    return this.#listener.add(listener);
  }

  isDuplicate(error: unknown): boolean {
    return codeOf(error) === '23505';
  }

  async close(): Promise<void> {
    await this.#listener.stop();
    await this.#pool.end();
  }

  async #query(text: string, parameters: readonly SqlValue[]): Promise<Result> {
    try {
      return await this.#pool.query(numbered(text), [...parameters]);
    } catch (error) {
      throw seen(error);
    }
  }

  async #transact<T>(begin: string, work: (client: PoolClient) => Promise<T>): Promise<T> {
    let client: PoolClient | undefined;
    let isBroken = false;
    try {
      client = await this.#pool.connect();
      // Said by the pool only while nobody uses the connection; here the statement that fails says it.
      client.on('error', ignoreHere);
      await client.query(begin);
      const result = await work(client);
      await client.query('COMMIT');
      return result;
    } catch (error) {
      isBroken =
        (await client?.query('ROLLBACK').then(
          () => false,
          () => true,
        )) ?? true;
      throw seen(error);
    } finally {
      client?.off('error', ignoreHere);
      client?.release(isBroken);
    }
  }
}

interface Result {
  readonly rows: unknown[];
  readonly rowCount: number | null;
}

function ignoreHere(): void {
  // Told by the statement that fails.
}

function sqlOn(client: PoolClient): Sql {
  const query = async (text: string, parameters: readonly SqlValue[]): Promise<Result> =>
    client.query(numbered(text), [...parameters]);
  return {
    all: async <R extends object = Row>(text: string, ...parameters: readonly SqlValue[]) =>
      (await query(text, parameters)).rows as R[],
    first: async <R extends object = Row>(text: string, ...parameters: readonly SqlValue[]) =>
      (await query(text, parameters)).rows[0] as R | undefined,
    run: async (text, ...parameters) => (await query(text, parameters)).rowCount ?? 0,
  };
}

function transactionOn(client: PoolClient): Transaction {
  return {
    ...sqlOn(client),
    tell: async (topic) => {
      await client.query('SELECT pg_notify($1, $2)', [CHANGES_CHANNEL, topic]);
    },
  };
}

/** Texts are constants of the source, so they are few, and hold no `?` but for parameters. */
const NUMBERED = new Map<string, string>();

/** `$1` in place of each `?`. */
function numbered(text: string): string {
  let result = NUMBERED.get(text);
  if (result === undefined) {
    let count = 0;
    NUMBERED.set(text, (result = text.replaceAll('?', () => `$${(count += 1)}`)));
  }
  return result;
}

function inPostgresWords(text: string): string {
  return text.replaceAll(/\bINTEGER\b/g, 'BIGINT').replaceAll(/\bBLOB\b/g, 'BYTEA');
}

/** Our numbers are safe integers; the driver would give them as text. */
function numberTypes(): TypeOverrides {
  const overrides = new TypeOverrides();
  overrides.setTypeParser(types.builtins.INT8, Number);
  return overrides;
}

/** Whether a transaction met another (serialization failure, deadlock): it may succeed alone. */
function isConflict(error: unknown): boolean {
  return ['40001', '40P01'].includes(codeOf(error));
}

/** Trouble with the connection or the server, which may pass, or the error as it is. */
function seen(error: unknown): unknown {
  const code = codeOf(error);
  const isServerTrouble = /^(?:08|57P0|53)/.test(code) || code === '57014';
  const isNetworkTrouble = error instanceof Error && (/^E[A-Z]+$/.test(code) || NO_CONNECTION.test(error.message));
  return isServerTrouble || isNetworkTrouble ? new DatabaseUnavailable(error) : error;
}

const NO_CONNECTION = /Connection terminated|timeout exceeded when trying to connect|not queryable/;

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : '';
}
