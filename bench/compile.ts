import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { rm } from 'node:fs/promises';
import { resolve } from 'node:path';

const ROOT = resolve(import.meta.dirname, '..');
const OUTPUT = resolve(ROOT, '.cache/bench');

/**
 * Compiles the library and the measured programs as the package is built, and returns the directory of `bench`. What
 * runs through tsx is not what users run: it keeps the names of functions by a call for each closure that is made.
 */
export async function compile(): Promise<string> {
  await rm(OUTPUT, { recursive: true, force: true });
  const tsc = spawn(resolve(ROOT, 'node_modules/.bin/tsc'), ['-p', 'bench/tsconfig.build.json'], {
    cwd: ROOT,
    stdio: 'inherit',
  });
  const [code] = (await once(tsc, 'close')) as [number | null];
  if (code !== 0) throw new Error('the sources do not compile');
  return resolve(OUTPUT, 'bench');
}
