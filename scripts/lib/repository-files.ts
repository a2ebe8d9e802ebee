import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { ROOT } from './root.ts';
import { runQuietly } from './run.ts';

/** Paths of all files that belong to the repository or would with the next commit, from its root. */
export async function repositoryFiles(): Promise<readonly string[]> {
  const { code, stdout, output } = await runQuietly('git', ['ls-files', '-z', '-c', '-o', '--exclude-standard']);
  if (code !== 0) throw new Error(`git cannot list the files: ${output}`);
  const files = new Set(stdout.split('\0').filter((file) => file !== ''));
  return [...files].filter((file) => existsSync(resolve(ROOT, file)));
}
