import { ESLint } from 'eslint';
import { expect, test } from 'vitest';
import { ROOT } from '../../scripts/lib/root.ts';

const LIBRARY_FILE = 'src/streams/index.ts';
const CLOCK_FILE = 'src/base/clock.ts';

const eslint = new ESLint({ cwd: ROOT });

async function rulesAgainst(code: string, filePath: string): Promise<readonly (string | null)[]> {
  const [result] = await eslint.lintText(`${code}\n`, { filePath });
  return result!.messages.map(({ ruleId }) => ruleId);
}

// Linting with types takes seconds the first time.
const TIMEOUT_MS = 60_000;

test.each([
  ['export const at = (): number => Date.now();', 'no-restricted-properties'],
  ['export const at = (): Date => new Date();', 'no-restricted-syntax'],
  ['export const at = (): number => performance.now();', 'no-restricted-globals'],
  ['export const later = (task: () => void): unknown => setTimeout(task, 1);', 'no-restricted-globals'],
  ['export const later = (task: () => void): unknown => globalThis.setTimeout(task, 1);', 'no-restricted-properties'],
  ['export const often = (task: () => void): unknown => setInterval(task, 1);', 'no-restricted-globals'],
  ["export { setTimeout } from 'node:timers/promises';", '@typescript-eslint/no-restricted-imports'],
  [
    "import { timer } from 'rxjs';\nexport const tick = (): unknown => timer(1);",
    '@typescript-eslint/no-restricted-imports',
  ],
  ['export const jitter = (): number => Math.random();', 'no-restricted-properties'],
  ["export const say = (): void => console.log('x');", 'no-console'],
  ["export * from '../base/clock.ts';", 'no-restricted-syntax'],
  ['export const ignore = (task: () => void): void => {\n  try {\n    task();\n  } catch {}\n};', 'no-empty'],
  [
    'export const forget = (task: () => Promise<void>): void => {\n  task();\n};',
    '@typescript-eslint/no-floating-promises',
  ],
  [
    "import { Subject } from 'rxjs';\nexport class Open {\n  readonly all$: Subject<number> = new Subject();\n}",
    'rxjs-x/no-exposed-subjects',
  ],
])('a file of the library must not say: %s', { timeout: TIMEOUT_MS }, async (code, rule) => {
  expect(await rulesAgainst(code, LIBRARY_FILE)).toContain(rule);
});

test('the ports themselves may read the clock', { timeout: TIMEOUT_MS }, async () => {
  expect(await rulesAgainst('export const at = (): number => Date.now();', CLOCK_FILE)).toEqual([]);
});

test('only the command line may write to the console', async () => {
  const level = async (file: string): Promise<unknown> => {
    const config = (await eslint.calculateConfigForFile(file)) as { rules: Record<string, unknown> };
    return config.rules['no-console'];
  };
  expect(await level('src/relay/index.ts')).toEqual([2, expect.anything()]);
  expect(await level('src/relay/main.ts')).toBeUndefined();
  expect(await level('src/cli/any.ts')).toBeUndefined();
});
