import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { systemClock } from '../../../src/base/clock.ts';
import { Interrupted } from '../../../src/cli/ending.ts';
import { run } from '../../../src/cli/run.ts';
import type { Terminal } from '../../../src/cli/terminal.ts';

export interface CliResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A command that runs in this process, on streams that the test holds. */
export interface RunningCli {
  readonly done: Promise<CliResult>;
  readonly stdout: () => string;
  readonly stderr: () => string;
  /** As Ctrl-C does. */
  interrupt(): void;
}

export interface CliOptions {
  readonly input?: string | Uint8Array | AsyncIterable<Uint8Array>;
  readonly environment?: Readonly<Record<string, string>>;
  /** Whether stdin, stdout and stderr are a terminal. */
  readonly isTty?: boolean;
}

/** A home with its own configuration, in which commands are run as a user would. */
export class CliHome {
  readonly path: string;
  readonly environment: Record<string, string>;

  private constructor(path: string, environment: Record<string, string>) {
    this.path = path;
    this.environment = environment;
  }

  static async create(environment: Record<string, string> = {}): Promise<CliHome> {
    const path = await mkdtemp(join(tmpdir(), 'skytale-cli-'));
    onTestFinished(() => rm(path, { recursive: true, force: true }));
    return new CliHome(path, environment);
  }

  /** Starts a command; it is interrupted when the test has finished. */
  start(argv: readonly string[], options: CliOptions = {}): RunningCli {
    const ending = new AbortController();
    const written: Uint8Array[] = [];
    let stderr = '';
    const stdout = (): string => Buffer.concat(written).toString('utf8');
    const isTty = options.isTty ?? false;
    const terminal: Terminal = {
      input: pieces(options.input ?? ''),
      isInputTty: isTty,
      isTty,
      isErrorTty: isTty,
      hasColour: isTty,
      columns: () => 100,
      rows: () => 24,
      signal: ending.signal,
      write: async (data) => void written.push(Buffer.from(data)),
      note: (text) => void (stderr += text),
    };
    const done = run({
      terminal,
      environment: { ...this.environment, ...options.environment },
      argv,
      clock: systemClock,
      home: this.path,
      run,
      isSignalAnEnd: false,
      exitCode: 0,
    }).then((code) => ({ code, stdout: stdout(), stderr }));
    const interrupt = (): void => ending.abort(new Interrupted('SIGINT', 2));
    onTestFinished(async () => {
      interrupt();
      await done;
    });
    return { done, stdout, stderr: () => stderr, interrupt };
  }

  /** Runs a command to its end. */
  run(argv: readonly string[], options: CliOptions = {}): Promise<CliResult> {
    return this.start(argv, options).done;
  }

  /** Runs a command that has to succeed; what it prints. */
  async ok(argv: readonly string[], options: CliOptions = {}): Promise<string> {
    const { code, stdout, stderr } = await this.run(argv, options);
    if (code !== 0) throw new Error(`skytale ${argv.join(' ')} ended with ${code}:\n${stderr}`);
    return stdout;
  }
}

async function* pieces(input: string | Uint8Array | AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  if (typeof input === 'string') yield Buffer.from(input);
  else if (input instanceof Uint8Array) yield input;
  else yield* input;
}
