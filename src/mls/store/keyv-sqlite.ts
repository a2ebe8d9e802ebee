import { createRequire } from 'node:module';
import type { KeyvStoreAdapter } from 'keyv';
import { RuntimeError } from '../../base/errors.ts';

/** What we use of `@keyv/sqlite`. Types of our own, because the package is optional. */
export interface KeyvSqlite extends KeyvStoreAdapter {
  /** Runs one statement on the adapter's only connection. */
  query(sql: string): Promise<readonly Readonly<Record<string, unknown>>[]>;
}

/** The constructor of {@link KeyvSqlite}. It opens the file, in the background. */
export type KeyvSqliteConstructor = new (options: { uri: string; busyTimeout: number }) => KeyvSqlite;

/**
 * Loads the optional package `@keyv/sqlite` and the native module that it needs.
 *
 * @throws {@link RuntimeError} `store_error` that tells what to do, if either is not there
 */
export function loadKeyvSqlite(
  require: (id: string) => unknown = createRequire(import.meta.url),
): KeyvSqliteConstructor {
  try {
    // Not `import()`: a native module that fails inside of one is reported as an unhandled error beside the rejection.
    return (require('@keyv/sqlite') as { KeyvSqlite: KeyvSqliteConstructor }).KeyvSqlite;
  } catch (error) {
    throw new RuntimeError(
      'store_error',
      'the data directory needs the optional package @keyv/sqlite, which could not be loaded. ' +
        'Install it with `npm install @keyv/sqlite` and let the install script of its sqlite3 run ' +
        '(it downloads or compiles the native module), or hand a Keyv store of your own to `openAgentStore`',
      { cause: error },
    );
  }
}
