import { RuntimeError } from '../../base/errors.ts';
import type { Sql } from './database.ts';
import { MIGRATIONS } from './schema.ts';

/** What migrating needs beside statements: a way to run several at once, and what the database calls its types. */
export interface MigrationTarget {
  readonly sql: Sql;
  /** Runs statements without parameters. */
  readonly script: (text: string) => Promise<void>;
  /** Whether there are tables, of whomever. */
  readonly hasTables: () => Promise<boolean>;
}

/**
 * Brings a database up to date. Run it inside a transaction that keeps other processes out.
 *
 * @throws {@link RuntimeError} `data_dir_version` if a newer version has written it, `store_damaged` if it belongs to something
 * else; nothing is changed then.
 */
export async function migrate({ sql, script, hasTables }: MigrationTarget): Promise<void> {
  const version = (await hasTables()) ? await versionOf(sql) : 0;
  if (version > MIGRATIONS.length) {
    throw new RuntimeError(
      'data_dir_version',
      `the control plane's database has version ${version}, this one knows up to ${MIGRATIONS.length}: use a newer one`,
    );
  }
  if (version === MIGRATIONS.length) return;
  if (version === 0) await script('CREATE TABLE skytale_control_plane (version INTEGER NOT NULL)');
  for (const statements of MIGRATIONS.slice(version)) await script(statements);
  await sql.run('DELETE FROM skytale_control_plane');
  await sql.run('INSERT INTO skytale_control_plane (version) VALUES (?)', MIGRATIONS.length);
}

async function versionOf(sql: Sql): Promise<number> {
  let row: { readonly version: number } | undefined;
  try {
    row = await sql.first<{ version: number }>('SELECT version FROM skytale_control_plane');
  } catch (cause) {
    throw new RuntimeError('store_damaged', 'the database holds tables of something else than a control plane', {
      cause,
    });
  }
  if (row === undefined)
    throw new RuntimeError('store_damaged', "the control plane's database does not say its version");
  return row.version;
}
