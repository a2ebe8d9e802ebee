/**
 * `npm start`: three agents share an end-to-end encrypted channel. Midway their relay is killed, then one of them. At the
 * end it is checked that all three have the same, and that the relay has nothing that it could read.
 *
 * Exit code 0 if every check holds, 1 if not, 2 for unusable arguments.
 */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { constants, tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { readLines } from './chat.ts';
import { check } from './check.ts';
import { Display } from './display.ts';
import { type DemoOptions, readOptions, USAGE, UsageError } from './options.ts';
import { createReport, printReport, type Report } from './report.ts';
import { Stage } from './stage.ts';
import { playStory } from './story.ts';

/** A run that takes longer hangs: so long in any case, and so long for each line. */
const DEADLINE_MS = 60_000;
const DEADLINE_PER_LINE_MS = 20;

const STOP_SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

async function run(options: DemoOptions, display: Display): Promise<Report> {
  const { inputPath, seed } = options;
  const lines = readLines(inputPath).length;
  display.print(`${lines} lines of ${basename(inputPath)}, from agent to agent, end to end encrypted (seed ${seed})`);

  const dataDir = options.dataDir ?? mkdtempSync(join(tmpdir(), 'skytale-demo-'));
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  const stage = new Stage();
  const deadlineMs = DEADLINE_MS + lines * DEADLINE_PER_LINE_MS;
  const deadline = setTimeout(() => stage.fail(new Error(`nothing has come of it in ${deadlineMs} ms`)), deadlineMs);
  const stop = (signal: NodeJS.Signals): void => {
    process.exitCode = 128 + constants.signals[signal];
    stage.fail(new Error(`stopped by ${signal}`));
  };
  for (const signal of STOP_SIGNALS) process.once(signal, stop);
  try {
    const end = await playStory({ inputPath, dataDir, seed }, stage, display);
    return createReport(seed, end, check(end));
  } catch (error) {
    throw new Error(`${(error as Error).message}\n${stage.describe()}`, { cause: error });
  } finally {
    clearTimeout(deadline);
    display.close();
    await stage.clear();
    for (const signal of STOP_SIGNALS) process.off(signal, stop);
    if (options.dataDir === undefined) rmSync(dataDir, { recursive: true, force: true });
  }
}

async function main(options: DemoOptions): Promise<void> {
  const display = new Display(options.isPlain);
  try {
    const report = await run(options, display);
    printReport(report, display);
    if (options.isJson) display.print(JSON.stringify(report));
    if (!report.isOk) process.exitCode = 1;
  } catch (error) {
    const { message } = error as Error;
    process.exitCode ??= 1;
    process.stderr.write(`${message}\n`);
    if (options.isJson) display.print(JSON.stringify({ isOk: false, seed: options.seed, error: message }));
  }
}

try {
  const options = readOptions(process.argv.slice(2));
  if (options === undefined) process.stdout.write(USAGE);
  else await main(options);
} catch (error) {
  if (!(error instanceof UsageError)) throw error;
  process.exitCode = 2;
  process.stderr.write(`${error.message}\n\n${USAGE}`);
}
