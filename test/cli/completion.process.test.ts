import { spawnSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { CliHome } from './support/run-cli.ts';

const isThere = (shell: string): boolean => spawnSync(shell, ['-c', 'exit 0']).status === 0;

/** What a shell has to say about a script that it reads and does not run. */
function read(
  shell: string,
  args: readonly string[],
  script: string,
): { readonly status: number | null; readonly stderr: string } {
  const { status, stderr } = spawnSync(shell, args, { input: script, encoding: 'utf8' });
  return { status, stderr };
}

/** What bash offers behind a line, when it has the script. */
function offered(script: string, line: string): readonly string[] {
  const words = line.split(' ');
  const program = `${script}
COMP_WORDS=(${words.map((word) => `'${word}'`).join(' ')})
COMP_CWORD=${words.length - 1}
_skytale
printf '%s\\n' "\${COMPREPLY[@]}"`;
  const { status, stdout, stderr } = spawnSync('bash', ['-eu', '-c', program], { encoding: 'utf8' });
  expect(stderr).toBe('');
  expect(status).toBe(0);
  return stdout.trim().split('\n');
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
  const script = await home.ok(['completion', 'zsh']);
  expect(read('zsh', ['-n'], script)).toEqual({ status: 0, stderr: '' });
});

test.runIf(isThere('fish'))('makes a script that fish can read', async () => {
  const home = await CliHome.create();
  const script = await home.ok(['completion', 'fish']);
  expect(read('fish', ['--no-execute'], script)).toEqual({ status: 0, stderr: '' });
});

test('names each command and option once for fish and zsh', async () => {
  const home = await CliHome.create();
  const fish = (await home.ok(['completion', 'fish'])).split('\n');
  expect(fish.filter((line) => line.includes('-a tail '))).toHaveLength(1);
  expect(fish.filter((line) => line.includes('seen_subcommand_from tail') && line.includes('-l raw'))).toHaveLength(1);
  expect(await home.ok(['completion', 'zsh'])).toContain("'keys|create') path_='keys create'");
});
