import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, onTestFinished, test } from 'vitest';
import { ROOT } from '../../scripts/lib/root.ts';
import type { Report } from '../../examples/demo/report.ts';
import { compiled } from '../support/compiled.ts';

/** What node is given to run the demo. */
const PROGRAM = [compiled('examples/demo/main.ts')];
/** The same, as `npm start` does it. */
const SOURCE = ['--import', import.meta.resolve('tsx'), join(ROOT, 'examples/demo/main.ts')];

/** 120 lines: a heading, a blank line, text of many scripts, and one line that is the same every time. */
const LINES = Array.from({ length: 30 }, (_, index) => [
  `## Chapter ${index + 1}: ${['Überblick', 'обзор', '概要', '🦊🦉'][index % 4] ?? ''}`,
  '',
  `Paragraph ${index + 1} has seven words, “quoted” ones.`,
  'This line is in every chapter.',
]).flat();

interface Run {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
  /** The last line of stdout, if it is JSON. */
  readonly report: Report;
}

let directory: string;
let input: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'skytale-demo-test-'));
  input = join(directory, 'input.md');
  writeFileSync(input, `${LINES.join('\r\n')}\n`);
});

afterEach(() => {
  rmSync(directory, { recursive: true });
});

/** Runs the demo from another directory than the package's. `watch` sees its output grow. */
async function runDemo(
  args: string[],
  watch: (stdout: string, pid: number) => void = () => undefined,
  program: readonly string[] = PROGRAM,
): Promise<Run> {
  const child = spawn(process.execPath, [...program, ...args], {
    cwd: directory,
    // npm tells its scripts where its user stands.
    env: { ...process.env, INIT_CWD: directory, TMPDIR: directory },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  onTestFinished(() => {
    child.kill('SIGKILL');
  });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
    watch(stdout, child.pid ?? 0);
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  // Closed only when the processes that the demo has started are gone too: they share its stderr.
  const [code] = (await once(child, 'close')) as [number | null];
  const last = stdout.trimEnd().split('\n').at(-1) ?? '';
  return { code, stdout, stderr, report: JSON.parse(last.startsWith('{') ? last : '{}') as Report };
}

function temporaryDirectories(): readonly string[] {
  return readdirSync(directory).filter((name) => name.startsWith('skytale-demo-'));
}

test('three agents have every line once and in one order, though the relay and bob are killed', async () => {
  const run = await runDemo(['--input', 'input.md', '--json'], undefined, SOURCE);

  expect(run.stderr, run.stdout).toBe('');
  expect(run.code, run.stdout).toBe(0);
  const { report } = run;
  expect(report).toMatchObject({ isOk: true, lines: 120, headings: 30, messages: 133 });
  expect(report.checks.map(({ isOk }) => isOk)).toEqual(Array.from({ length: 9 }, () => true));
  const noTrouble = { duplicates: 0, gaps: 0, decryptFailures: 0, otherFaults: 0 };
  expect(report.agents).toMatchObject([
    { agent: 'alice', sent: 120, received: 13, restarts: 0, redelivered: 0, reconnects: 1, ...noTrouble },
    { agent: 'bob', sent: 0, received: 133, restarts: 1, reconnects: 1, ...noTrouble },
    { agent: 'carol', sent: 13, received: 120, restarts: 0, redelivered: 0, reconnects: 1, ...noTrouble },
  ]);
  expect(report.linesInFlight.relay).toBeGreaterThan(0);
  expect(report.linesInFlight.bob).toBeGreaterThan(0);
  expect(report.messagesPerSecond).toBeCloseTo((133 * 1000) / report.elapsedMs, -1);
  // No colour and no cursor movement where nobody looks.
  expect(run.stdout).not.toMatch(/[\x1b\r]/); // eslint-disable-line no-control-regex
  expect(temporaryDirectories()).toEqual([]);
});

test('plaintext in the relay’s directory fails the run by name, and the data directory stays', async () => {
  const dataDir = join(directory, 'data');
  // More lines than fit into any queue or window on the way.
  appendFileSync(input, 'one line of many\n'.repeat(1_000));
  let isPlanted = false;
  const run = await runDemo(['--input', input, '--json', '--seed', '7', '--data-dir', dataDir], (stdout) => {
    if (isPlanted || !stdout.includes('listens on')) return;
    isPlanted = true;
    writeFileSync(join(dataDir, 'relay', 'planted'), Buffer.from(`?${LINES[2] ?? ''}`).toString('base64'));
  });

  expect(run.code, run.stderr).toBe(1);
  expect(run.report).toMatchObject({ seed: 7, lines: 1120 });
  expect(run.report.checks.filter(({ isOk }) => !isOk)).toEqual([
    { name: "no line is readable in the relay's files", isOk: false, problems: ['line 3 stands in planted (base64)'] },
  ]);
  expect(run.stdout).toContain("FAILED  no line is readable in the relay's files");
  expect(existsSync(join(dataDir, 'bob', 'notebook', 'notes.jsonl'))).toBe(true);

  const again = await runDemo(['--input', input, '--data-dir', dataDir]);
  expect(again.code).toBe(2);
  expect(again.stderr).toContain('Expected --data-dir to be empty or not to be there');
});

test('Ctrl-C stops everything, cleans up, and tells what was waited for', async () => {
  let isInterrupted = false;
  const run = await runDemo(['--input', input, '--json'], (stdout, pid) => {
    if (isInterrupted || !stdout.includes('killed while')) return;
    isInterrupted = true;
    process.kill(pid, 'SIGINT');
  });

  expect(run.code, run.stdout).toBe(130);
  expect(run.stderr).toContain('stopped by SIGINT\nwaited until ');
  expect(run.stderr).toMatch(/^bob: waits for line \d+ of 120; channel /m);
  expect(run.report).toMatchObject({ isOk: false });
  expect(temporaryDirectories()).toEqual([]);
});

test.each([
  [['--input', 'not-there.md'], 'Expected --input to be a text file'],
  [['--input', 'short.md'], 'Expected --input to have at least 20 lines, got 2.'],
  [['--seed', 'seven'], 'Expected --seed to be a whole number'],
  [['--loud'], "Unknown option '--loud'"],
])('refuses %j', async (args, complaint) => {
  writeFileSync(join(directory, 'short.md'), 'one\ntwo\n');
  const run = await runDemo(['--input', 'input.md', ...args]);
  expect(run.code).toBe(2);
  expect(run.stderr).toContain(complaint);
  expect(run.stdout).toBe('');
});
