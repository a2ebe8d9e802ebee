/**
 * `npm run verify`: everything that a change must pass, what fails fastest first. Stops at the first failure.
 *
 * Options: `--list`, `--only a,b`, `--from a` (start there), `--skip a,b`.
 */
import { parseArgs } from 'node:util';
import { runThrough } from './lib/run.ts';

const STEPS = [
  'format:check',
  'lockfile:check',
  'secrets:check',
  'types',
  'deps',
  'lint',
  'knip',
  'build',
  'api',
  'test',
  'simulate',
  'docs:check',
  'pack:check',
] as const;

function checkNames(option: string, names: readonly string[]): readonly string[] {
  const unknown = names.filter((name) => !STEPS.some((step) => step === name));
  if (unknown.length === 0) return names;
  console.error(`verify: --${option} ${unknown.join(',')}: no such step. The steps are: ${STEPS.join(', ')}.`);
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
const from = values.from === undefined ? STEPS[0] : (checkNames('from', [values.from])[0] ?? '');
const only = values.only === undefined ? STEPS : checkNames('only', split(values.only));
const skip = checkNames('skip', split(values.skip));
const steps = STEPS.slice(STEPS.findIndex((step) => step === from)).filter(
  (step) => only.includes(step) && !skip.includes(step),
);

if (values.list) {
  for (const step of steps) console.log(step);
  process.exit(0);
}

const seconds = (sinceMs: number): string => `${((performance.now() - sinceMs) / 1000).toFixed(1)} s`;
const startedAt = performance.now();
for (const [index, step] of steps.entries()) {
  const stepStartedAt = performance.now();
  console.log(`\nverify ${index + 1}/${steps.length}: ${step}`);
  const code = await runThrough('npm', ['run', '--silent', step]);
  if (code !== 0) {
    console.error(`\nverify: ${step} failed after ${seconds(stepStartedAt)}.`);
    console.error(`Run it alone with \`npm run ${step}\`; go on from here with \`npm run verify -- --from ${step}\`.`);
    process.exit(1);
  }
  console.log(`verify ${index + 1}/${steps.length}: ${step} passed in ${seconds(stepStartedAt)}`);
}
console.log(`\nverify: ${steps.length} steps passed in ${seconds(startedAt)}`);
