import { spawn } from 'node:child_process';
import { resolve } from 'node:path';
import { ROOT } from './root.ts';

/** Where a command runs, and what it is given. */
export interface RunOptions {
  /** Default: the root of the repository. */
  readonly cwd?: string;
  /** Added to the environment of this process. */
  readonly env?: Readonly<Record<string, string>>;
  /** Kills the command after this time. Default: none. */
  readonly timeoutMs?: number;
  /** Ends the command when it is aborted. */
  readonly signal?: AbortSignal;
}

/** How a command ended. `code` is undefined when a signal ended it. */
export interface RunResult {
  readonly code: number | undefined;
  readonly stdout: string;
  /** Standard output and standard error as they came. */
  readonly output: string;
}

function start(command: string, args: readonly string[], options: RunOptions, stdio: 'inherit' | 'pipe') {
  return spawn(command, args, {
    cwd: options.cwd ?? ROOT,
    env: { ...process.env, ...options.env },
    stdio: ['ignore', stdio, stdio],
    ...(options.signal === undefined ? {} : { signal: options.signal }),
    ...(options.timeoutMs === undefined ? {} : { timeout: options.timeoutMs, killSignal: 'SIGKILL' }),
  });
}

/** Runs a command with its output passed through; resolves with its exit code, 1 if a signal ended it. */
export function runThrough(command: string, args: readonly string[], options: RunOptions = {}): Promise<number> {
  return new Promise((done, fail) => {
    const child = start(command, args, options, 'inherit');
    child.once('error', fail);
    child.once('close', (code) => done(code ?? 1));
  });
}

/** Runs a command and collects what it writes. */
export function runQuietly(command: string, args: readonly string[], options: RunOptions = {}): Promise<RunResult> {
  return new Promise((done, fail) => {
    const child = start(command, args, options, 'pipe');
    let stdout = '';
    let output = '';
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
      output += text;
    });
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
    child.once('error', (error) => {
      if (options.signal?.aborted !== true) fail(error);
    });
    child.once('close', (code) => done({ code: code ?? undefined, stdout, output }));
  });
}

/** Path of a tool's executable as npm installed it here. */
export function toolPath(name: string): string {
  return resolve(ROOT, 'node_modules/.bin', name);
}

/** Ends a check: prints each problem and a last line, and makes the process exit with 1 if there are any. */
export function finish(name: string, problems: readonly string[], success: string): void {
  for (const problem of problems) console.error(`${name}: ${problem}`);
  if (problems.length === 0) console.log(`${name}: ${success}`);
  else {
    console.error(`${name}: ${problems.length} problem${problems.length === 1 ? '' : 's'}`);
    process.exitCode = 1;
  }
}
