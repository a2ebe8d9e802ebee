/**
 * `npm run pack:check`: the package works for a stranger who installs it.
 *
 * Packs what is built, lints the tarball, installs it with rxjs into an empty project, compiles a program there with
 * full checks of all declarations, runs it, and asks each command for its help. Optional native modules are not
 * compiled, which the package has to bear.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { readManifest } from './lib/manifest.ts';
import type { RunOptions } from './lib/run.ts';
import { ROOT } from './lib/root.ts';
import { finish, runQuietly, toolPath } from './lib/run.ts';

const CONSUMER = resolve(ROOT, 'scripts/package-consumer.ts');
const TSCONFIG = {
  compilerOptions: {
    target: 'ES2022',
    module: 'NodeNext',
    strict: true,
    skipLibCheck: false,
    types: ['node'],
    outDir: '.',
  },
  files: ['main.ts'],
};

const { bin, devDependencies, name } = readManifest();
const folder = mkdtempSync(join(tmpdir(), 'skytale-rx-pack-'));
const problems: string[] = [];

/** Runs a command of the check; false, with its output among the problems, if it fails. */
async function step(
  label: string,
  command: string,
  args: readonly string[],
  options: RunOptions = {},
): Promise<boolean> {
  const { code, output } = await runQuietly(command, args, { timeoutMs: 300_000, ...options });
  if (code === 0) console.log(`pack:check: ${label}: ok`);
  else problems.push(`${label}: ${code === undefined ? 'killed' : `exit code ${code}`}\n${output.trimEnd()}`);
  return code === 0;
}

async function pack(): Promise<string> {
  const { code, stdout, output } = await runQuietly('npm', [
    'pack',
    '--json',
    '--ignore-scripts',
    '--pack-destination',
    folder,
  ]);
  if (code !== 0) throw new Error(`npm pack failed:\n${output}`);
  const [packed] = JSON.parse(stdout) as { filename: string; size: number; files: { path: string }[] }[];
  if (packed === undefined) throw new Error('npm pack made nothing');
  const paths = packed.files.map(({ path }) => path);
  console.log(`pack:check: ${packed.filename}, ${Math.ceil(packed.size / 1024)} KiB, ${paths.length} files`);
  for (const path of ['LICENSE', 'README.md', 'CHANGELOG.md']) {
    if (!paths.includes(path)) problems.push(`${path} is not in the package`);
  }
  return join(folder, packed.filename);
}

try {
  const tarball = await pack();
  await step('publint', toolPath('publint'), ['run', tarball, '--strict']);
  await step('attw', toolPath('attw'), [tarball, '--profile', 'esm-only', '--no-emoji', '--format', 'ascii']);

  const project = mkdtempSync(join(folder, 'project-'));
  const inProject = { cwd: project };
  const versions = ['rxjs', '@types/node'].map(
    (dependency) => `${dependency}@${devDependencies[dependency] ?? 'latest'}`,
  );
  writeFileSync(join(project, 'package.json'), '{ "name": "consumer", "private": true, "type": "module" }\n');
  writeFileSync(join(project, 'tsconfig.json'), JSON.stringify(TSCONFIG));
  writeFileSync(join(project, 'main.ts'), readFileSync(CONSUMER, 'utf8'));
  const flags = ['--ignore-scripts', '--no-audit', '--no-fund', '--prefer-offline', '--save-exact'];
  if (await step('install', 'npm', ['install', ...flags, tarball, ...versions], inProject)) {
    if (await step('types', toolPath('tsc'), ['-p', project], inProject)) {
      await step('run', process.execPath, ['main.js'], { ...inProject, timeoutMs: 60_000 });
    }
    for (const command of Object.keys(bin)) {
      await step(`npx ${command} --help`, 'npx', ['--no-install', command, '--help'], {
        ...inProject,
        timeoutMs: 60_000,
      });
    }
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
finish('pack:check', problems, `${name} installs, type-checks and runs`);
