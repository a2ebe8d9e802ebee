import { spawnSync } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { temporaryDirectory } from '../relay/support/temp-dir.ts';
import { CliHome } from './support/run-cli.ts';

/** Whether a shell is there; says so if it is not. */
function isThere(shell: string): boolean {
  if (spawnSync(shell, ['-c', 'exit 0']).status === 0) return true;
  console.log(`skipped: what completes in ${shell}, which is not installed`);
  return false;
}

/** A file with a script for a shell. */
async function fileWith(script: string): Promise<string> {
  const file = join(await temporaryDirectory(), 'completion');
  await writeFile(file, script);
  return file;
}

/** What a shell prints, which has nothing to complain of. */
function printed(shell: string, args: readonly string[]): string {
  const { status, stdout, stderr } = spawnSync(shell, args, { encoding: 'utf8' });
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  return stdout.trim();
}

/** What bash offers behind a line, when it has the script. */
function offered(script: string, line: string): readonly string[] {
  const words = line.split(' ');
  const program = `${script}
COMP_WORDS=(${words.map((word) => `'${word}'`).join(' ')})
COMP_CWORD=${words.length - 1}
_skytale
printf '%s\\n' "\${COMPREPLY[@]}"`;
  return printed('bash', ['-eu', '-c', program]).split('\n');
}

test('completes commands, sub-commands, options and choices in bash', async () => {
  const home = await CliHome.create();
  const script = await home.ok(['completion', 'bash']);
  expect(offered(script, 'skytale ')).toEqual(expect.arrayContaining(['create', 'send', 'tail', 'keys', '--help']));
  expect(offered(script, 'skytale ta')).toEqual(['tail']);
  expect(offered(script, 'skytale keys ')).toEqual(expect.arrayContaining(['create', 'list', 'revoke']));
  expect(offered(script, 'skytale keys cr')).toEqual(['create']);
  expect(offered(script, 'skytale send acme/ops/log --rec')).toEqual(['--receipt']);
  expect(offered(script, 'skytale send acme/ops/log --receipt ')).toEqual(['accepted', 'delivered', 'handled']);
});

test.runIf(isThere('zsh'))('makes a script that zsh can read', async () => {
  const home = await CliHome.create();
  const file = await fileWith(await home.ok(['completion', 'zsh']));
  expect(printed('zsh', ['--no-exec', file])).toBe('');
});

test.runIf(isThere('fish'))('completes commands, sub-commands, options and choices in fish', async () => {
  const home = await CliHome.create();
  const file = await fileWith(await home.ok(['completion', 'fish']));
  const offers = (line: string): string[] => {
    const lines = printed('fish', ['--no-config', '-c', `source ${file}; complete -C '${line}'`]).split('\n');
    return lines.map((offer) => offer.replace(/\t.*/, ''));
  };
  expect(offers('skytale ')).toEqual(expect.arrayContaining(['create', 'send', 'tail', 'keys']));
  expect(offers('skytale ta')).toEqual(['tail']);
  expect(offers('skytale keys ')).toEqual(expect.arrayContaining(['create', 'list', 'revoke']));
  expect(offers('skytale keys cr')).toEqual(['create']);
  expect(offers('skytale send acme/ops/log --rec')).toEqual(['--receipt']);
  expect(offers('skytale send acme/ops/log --receipt ')).toEqual(['accepted', 'delivered', 'handled']);
});

test('names each command and option once for fish and zsh', async () => {
  const home = await CliHome.create();
  const fish = (await home.ok(['completion', 'fish'])).split('\n');
  expect(fish.filter((line) => line.includes('-a tail '))).toHaveLength(1);
  expect(fish.filter((line) => line.includes('seen_subcommand_from tail') && line.includes('-l raw'))).toHaveLength(1);
  expect(await home.ok(['completion', 'zsh'])).toContain("'keys|create') path_='keys create'");
});
