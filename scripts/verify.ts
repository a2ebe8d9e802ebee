/**
 * `npm run verify`: everything that a change must pass, what fails fastest first. Stops at the first failure.
 *
 * Two steps run at a time, where none needs what the other makes; what a step says is shown when it has ended. Options:
 * `--list`, `--only a,b`, `--from a` (start there), `--skip a,b`.
 */
import { parseArgs } from 'node:util';
import { runQuietly, runThrough } from './lib/run.ts';
import { runSteps } from './lib/steps.ts';

/** Each step with those that make what it reads. */
const STEPS: ReadonlyMap<string, readonly string[]> = new Map<string, readonly string[]>([
  ['format:check', []],
  ['lockfile:check', []],
  ['secrets:check', []],
  ['types', []],
  ['deps', []],
  ['knip', []],
  ['lint', []],
  ['build', []],
  ['api', ['build']],
  ['docs:check', ['build']],
  ['pack:check', ['build']],
  ['simulate', []],
  ['test', []],
]);
const NAMES = [...STEPS.keys()];
/** It keeps all cores busy by itself, for minutes. */
const ALONE = 'test';
const WIDTH = 2;

function checkNames(option: string, names: readonly string[]): readonly string[] {
  const unknown = names.filter((name) => !STEPS.has(name));
  if (unknown.length === 0) return names;
  console.error(`verify: --${option} ${unknown.join(',')}: no such step. The steps are: ${NAMES.join(', ')}.`);
  process.exit(2);
}

const { values } = parseArgs({
  options: {
    list: { type: 'boolean', default: false },
    only: { type: 'string' },
    from: { type: 'string' },
    skip: { type: 'string', default: '' },
  },
});
const split = (list: string): readonly string[] => list.split(',').filter((name) => name !== '');
const [from] = checkNames('from', values.from === undefined ? NAMES.slice(0, 1) : [values.from]) as [string];
const only = values.only === undefined ? NAMES : checkNames('only', split(values.only));
const skip = checkNames('skip', split(values.skip));
const steps = NAMES.slice(NAMES.indexOf(from)).filter((name) => only.includes(name) && !skip.includes(name));

if (values.list) {
  for (const name of steps) console.log(name);
  process.exit(0);
}

const seconds = (sinceMs: number): string => `${((performance.now() - sinceMs) / 1000).toFixed(1)} s`;
const startedAt = performance.now();
let passed = 0;

/** Whether the step has passed. Says so, after what the step has to say. */
async function run(name: string, signal: AbortSignal): Promise<boolean> {
  const command = ['run', '--silent', name];
  const stepStartedAt = performance.now();
  let code: number | undefined;
  if (name === ALONE || steps.length === 1) code = await runThrough('npm', command);
  else {
    const result = await runQuietly('npm', command, { signal });
    if (signal.aborted) return false;
    code = result.code;
    console.log(`\nverify: ${name}\n${result.output.trimEnd()}`);
  }
  if (code !== 0) {
    console.error(`\nverify: ${name} failed after ${seconds(stepStartedAt)}.`);
    console.error(`Run it alone with \`npm run ${name}\`; go on from here with \`npm run verify -- --from ${name}\`.`);
    return false;
  }
  passed += 1;
  console.log(`verify ${passed}/${steps.length}: ${name} passed in ${seconds(stepStartedAt)}`);
  return true;
}

const plan = steps.map((name) => ({ name, needs: STEPS.get(name) ?? [], isAlone: name === ALONE }));
if (!(await runSteps(plan, WIDTH, run))) process.exit(1);
console.log(`\nverify: ${steps.length} steps passed in ${seconds(startedAt)}`);
