import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { compiled } from '../../support/compiled.ts';
import type { CliHome } from './run-cli.ts';

/** The arguments of node that run the command. */
export const SKYTALE_ARGS: readonly string[] = [compiled('src/cli/main.ts')];

/** An environment in which a shell finds `skytale`, with its own home. `upArgs` are added to `skytale up`. */
export async function shellEnvironment(home: CliHome, upArgs: string = ''): Promise<NodeJS.ProcessEnv> {
  const bin = join(home.path, 'bin');
  await mkdir(bin, { recursive: true });
  const command = [process.execPath, ...SKYTALE_ARGS].map((word) => `'${word}'`).join(' ');
  const script = `#!/bin/sh\n[ "$1" = up ] && set -- "$@" ${upArgs}\nexec ${command} "$@"\n`;
  await writeFile(join(bin, 'skytale'), script);
  await chmod(join(bin, 'skytale'), 0o755);
  const { PATH = '', TMPDIR = '/tmp', LANG = 'C.UTF-8' } = process.env;
  return { PATH: `${bin}:${PATH}`, TMPDIR, LANG, HOME: home.path, ...home.environment };
}
