import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFile, readdir, stat, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { ROOT } from '../../scripts/lib/root.ts';
import { COMPILED } from '../support/compiled.ts';

/** Where the compiled files look for the version. As old as what was compiled last. */
const STAMP = join(COMPILED, 'package.json');
const FOLDERS = ['src', 'examples', 'bench', 'test', 'scripts'];

/** The projects are set up in one process, each with modules of its own. */
const shared = globalThis as { isSkytaleCompiled?: true };

/**
 * Before the tests: compiles what they start as processes and threads, as it is shipped and unless nothing has changed.
 * Through tsx each of their many starts would cost a second more.
 */
export default async function setUp(project: TestProject): Promise<void> {
  if (shared.isSkytaleCompiled) return;
  shared.isSkytaleCompiled = true;
  await compile();
  project.onTestsRerun(compile);
}

async function compile(): Promise<void> {
  const now = new Date();
  if (!(await hasChanged())) return;
  const tsc = spawn(process.execPath, ['node_modules/typescript/bin/tsc', '-p', 'test/setup/tsconfig.json'], {
    cwd: ROOT,
    stdio: 'inherit',
  });
  const [code] = (await once(tsc, 'close')) as [number | null];
  if (code !== 0) throw new Error('what the tests start does not compile');
  await copyFile(join(ROOT, 'package.json'), STAMP);
  await utimes(STAMP, now, now);
}

async function hasChanged(): Promise<boolean> {
  const { mtimeMs } = await stat(STAMP).catch(() => ({ mtimeMs: 0 }));
  for (const folder of FOLDERS) {
    for (const file of await readdir(join(ROOT, folder), { recursive: true, withFileTypes: true })) {
      if (file.isFile() && (await stat(join(file.parentPath, file.name))).mtimeMs > mtimeMs) return true;
    }
  }
  return false;
}
