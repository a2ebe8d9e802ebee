import { RuntimeError } from '../../base/errors.ts';
import type { RelayLogger } from '../../relay/index.ts';
import type { DatabaseChoice } from '../control-plane-options.ts';
import type { Database } from './database.ts';
import { openPostgres } from './postgres-database.ts';
import { openSqlite } from './sqlite-database.ts';

/**
 * Opens the database, and brings it up to date.
 *
 * @throws {@link RuntimeError} `invalid_argument`, `data_dir_in_use`, `data_dir_version`, `store_damaged` or `store_error`
 */
export function openDatabase(choice: DatabaseChoice, logger: RelayLogger): Promise<Database> {
  switch (choice.kind) {
    case 'sqlite':
      return openSqlite(choice.path);
    case 'postgres':
      return openPostgres(choice, logger);
    default: {
      const kind = String((choice as { readonly kind?: unknown }).kind);
      throw new RuntimeError('invalid_argument', `Expected \`database.kind\` to be sqlite or postgres, got ${kind}.`);
    }
  }
}
