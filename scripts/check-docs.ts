/**
 * `npm run docs:check`: the code in the documentation works.
 *
 * In README.md and docs/, each block fenced as `ts` is compiled as a module of its own against the built package, which
 * it imports by name. In src, each `@example` is compiled likewise; names of its folder, the package, rxjs and `assert`
 * need no import there. A block is executed too if it is fenced as `ts run`, asserts, or says what it prints: it has to
 * end by itself with exit code 0, and all that it prints are the texts behind its `//=>`, if it has any, in order. What
 * should not compile is fenced as `text`.
 */
import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { exampleBlocks, markdownBlocks, promisedOutput } from './docs/code-blocks.ts';
import { compileBlocks } from './docs/compile-blocks.ts';
import { repositoryFiles } from './lib/repository-files.ts';
import { ROOT } from './lib/root.ts';
import { finish, runQuietly } from './lib/run.ts';

const RUN_TIMEOUT_MS = 60_000;

if (!existsSync(resolve(ROOT, 'dist/index.d.ts'))) {
  console.error('docs:check: the package is not built; run `npm run build` first');
  process.exit(1);
}

const files = await repositoryFiles();
const read = (file: string): string => readFileSync(resolve(ROOT, file), 'utf8');
const documents = files.filter((file) => /^[^/]+\.md$|^docs\/(?!api\/).*\.md$/.test(file));
const sources = files.filter((file) => /^src\/.*(?<!\.d)\.ts$/.test(file) && !file.includes('/gen/'));
const { blocks, problems } = compileBlocks([
  ...documents.flatMap((file) => markdownBlocks(file, read(file))),
  ...sources.flatMap((file) => exampleBlocks(file, read(file))),
]);

const failures: string[] = [];
const runnable = problems.length === 0 ? blocks.filter(({ isRun }) => isRun) : [];
for (const { file, line, code, modulePath } of runnable) {
  const place = `${file}:${line}`;
  const result = await runQuietly(process.execPath, [modulePath], { timeoutMs: RUN_TIMEOUT_MS });
  if (result.code === undefined) failures.push(`${place}: does not end within ${RUN_TIMEOUT_MS / 1000} s`);
  else if (result.code !== 0) failures.push(`${place}: exit code ${result.code}\n${result.output}`);
  const promised = promisedOutput(code)?.join('\n');
  const printed = result.stdout.trimEnd();
  if (result.code === 0 && promised !== undefined && promised !== printed) {
    failures.push(`${place}: says that it prints\n${promised}\nbut prints\n${printed}`);
  }
}
finish('docs:check', [...problems, ...failures], `${blocks.length} blocks compile, ${runnable.length} of them run`);
