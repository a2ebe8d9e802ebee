import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFile, rm } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const OUTPUT = `${ROOT}.cache/compiled`;

/**
 * Before the tests that run the command line as processes: compiles it once, as it is shipped. Through tsx each of its many
 * starts would take three times as long.
 */
export default async function compileCommand(): Promise<void> {
  await rm(OUTPUT, { recursive: true, force: true });
  const flags = ['--noCheck', '--declaration', 'false', '--isolatedDeclarations', 'false', '--declarationMap', 'false'];
  const tsc = spawn(
    process.execPath,
    [`${ROOT}node_modules/typescript/bin/tsc`, '-p', 'tsconfig.build.json', ...flags, '--outDir', `${OUTPUT}/src`],
    { cwd: ROOT, stdio: 'inherit' },
  );
  const [code] = (await once(tsc, 'close')) as [number | null];
  if (code !== 0) throw new Error('the command line does not compile');
  await copyFile(`${ROOT}package.json`, `${OUTPUT}/package.json`); // where the compiled files look for the version
}
