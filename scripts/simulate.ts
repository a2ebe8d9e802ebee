/**
 * `npm run simulate`: lives of agents under seeds and faults by chance, with real MLS, and all checkers on each.
 *
 * Options: `--seeds N` (default 500), `--nightly` (20,000 seeds), `--from S` (the first seed, default 1), `--agents K` (default 5), `--plan FILE` (instead of
 * what follows from each seed), `--jobs J` (processes, default one for each core).
 *
 * A seed that fails is shrunk to the fewest faults that still fail, which are saved; the command that replays it is printed.
 */
import { spawn } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { relative, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { type FaultPlan, formatFaultPlan, parseFaultPlan, RANDOM_KINDS, shrinkPlan } from '../src/replay/index.ts';
import { ROOT } from './lib/root.ts';
import { runSeed, type SeedRun } from './simulate/seed-run.ts';

const SAVED = resolve(ROOT, '.cache/simulate');
/** With so many seeds every kind of fault must have come up. */
const ENOUGH_SEEDS = 200;
const SHOWN_FAILURES = 5;
const SEEDS = '500';
const NIGHTLY_SEEDS = '20000';

const { values } = parseArgs({
  options: {
    seeds: { type: 'string' },
    nightly: { type: 'boolean', default: false },
    from: { type: 'string', default: '1' },
    agents: { type: 'string', default: '5' },
    jobs: { type: 'string', default: String(availableParallelism()) },
    plan: { type: 'string' },
    worker: { type: 'boolean', default: false },
  },
});

function integer(name: string, text: string, min: number, max: number): number {
  const value = Number(text);
  if (Number.isInteger(value) && value >= min && value <= max) return value;
  console.error(`simulate: expected --${name} to be an integer from ${min} to ${max}, got ${text}.`);
  return process.exit(2);
}

const seeds = integer('seeds', values.seeds ?? (values.nightly ? NIGHTLY_SEEDS : SEEDS), 1, 10_000_000);
const from = integer('from', values.from, 0, 2 ** 31);
const agents = integer('agents', values.agents, 2, 50);
const jobs = Math.min(seeds, integer('jobs', values.jobs, 1, 64));
const plan = values.plan === undefined ? undefined : parseFaultPlan(readFileSync(values.plan, 'utf8'));

/** Every `jobs`-th seed, one line of JSON for each. */
async function work(): Promise<void> {
  for (let seed = from; seed < from + seeds; seed += jobs) {
    console.log(JSON.stringify(await runSeed(seed, agents, plan)));
  }
}

function startWorker(first: number): Promise<void> {
  const args = [
    '--worker',
    '--from',
    String(first),
    '--seeds',
    String(from + seeds - first),
    '--agents',
    String(agents),
  ];
  if (values.plan !== undefined) args.push('--plan', values.plan);
  const script = fileURLToPath(import.meta.url);
  const worker = spawn(
    process.execPath,
    ['--no-warnings', '--import', 'tsx', script, ...args, '--jobs', String(jobs)],
    {
      cwd: ROOT,
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  );
  createInterface({ input: worker.stdout }).on('line', (line) => take(JSON.parse(line) as SeedRun));
  return new Promise((done, fail) => {
    worker.on('error', fail);
    worker.on('close', (code) => (code === 0 ? done() : fail(new Error(`a worker ended with ${String(code)}`))));
  });
}

const failed: SeedRun[] = [];
const fired = new Map<string, number>();
const total = { seeds: 0, messages: 0, keys: 0, virtualMs: 0 };

function take(run: SeedRun): void {
  total.seeds += 1;
  total.messages += run.messages;
  total.keys += run.keys;
  total.virtualMs += run.virtualMs;
  for (const [kind, times] of Object.entries(run.fired)) fired.set(kind, (fired.get(kind) ?? 0) + times);
  if (run.violations.length > 0) failed.push(run);
}

/** Says what is wrong, shrinks the plan, saves it, and says how to see it again. */
async function report({ seed, plan: wanted, violations }: SeedRun): Promise<void> {
  console.error(`\nsimulate: seed ${seed} fails:`);
  for (const { checker, agent, detail } of violations.slice(0, 8)) console.error(`  ${checker}: ${agent} ${detail}`);
  console.error(`  npm run simulate -- --seeds 1 --from ${seed} --agents ${agents}`);
  const names = new Set(violations.map(({ checker }) => checker));
  const failsAlike = async (smaller: FaultPlan): Promise<boolean> =>
    (await runSeed(seed, agents, smaller)).violations.some(({ checker }) => names.has(checker));
  const minimal = await shrinkPlan(wanted, failsAlike);
  mkdirSync(SAVED, { recursive: true });
  const file = resolve(SAVED, `seed-${seed}.json`);
  writeFileSync(file, formatFaultPlan(minimal));
  console.error(`  with ${minimal.faults.length} of ${wanted.faults.length} faults:`);
  console.error(`  npm run simulate -- --seeds 1 --from ${seed} --agents ${agents} --plan ${relative(ROOT, file)}`);
}

if (values.worker) await work();
else {
  const startedAt = performance.now();
  await Promise.all(Array.from({ length: jobs }, (_, index) => startWorker(from + index)));
  failed.sort((a, b) => a.seed - b.seed);
  for (const run of failed.slice(0, SHOWN_FAILURES)) await report(run);
  const missing = plan === undefined && seeds >= ENOUGH_SEEDS ? RANDOM_KINDS.filter((kind) => !fired.has(kind)) : [];
  const counts = [...fired].sort(([a], [b]) => a.localeCompare(b)).map(([kind, times]) => `${kind} ${times}`);
  console.log(`simulate: faults: ${counts.join(', ')}`);
  console.log(
    `simulate: ${total.seeds} seeds, ${agents} agents, ${total.messages} messages under ${total.keys} keys, ` +
      `${Math.round(total.virtualMs / 1000)} s of virtual time in ${((performance.now() - startedAt) / 1000).toFixed(1)} s`,
  );
  if (missing.length > 0) console.error(`simulate: never happened: ${missing.join(', ')}`);
  if (failed.length > 0) console.error(`simulate: ${failed.length} of ${seeds} seeds fail`);
  process.exitCode = failed.length + missing.length + (total.seeds - seeds) === 0 ? 0 : 1;
}
