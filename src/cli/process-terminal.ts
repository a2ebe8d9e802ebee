import { constants } from 'node:os';
import { Interrupted, OutputClosed } from './ending.ts';
import type { Terminal } from './terminal.ts';

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** The terminal of this process; `close` takes the signal handlers away and lets go of stdin. */
export interface ProcessTerminal extends Terminal {
  close(): void;
}

/** The streams of this process. The first signal asks the command to end, the second ends the process at once. */
export function processTerminal(): ProcessTerminal {
  const { stdin, stdout, stderr, env } = process;
  const ending = new AbortController();
  const stop = (signal: (typeof SIGNALS)[number]): void => {
    const interrupted = new Interrupted(signal, constants.signals[signal]);
    if (ending.signal.aborted) process.exit(interrupted.exitCode);
    ending.abort(interrupted);
  };
  for (const signal of SIGNALS) process.on(signal, stop);
  const closed = (error: NodeJS.ErrnoException): void => {
    ending.abort(error.code === 'EPIPE' ? new OutputClosed() : error);
  };
  stdout.on('error', closed);
  // Nobody reads the notes: then they are not needed.
  stderr.on('error', () => undefined);
  return {
    input: stdin,
    isInputTty: stdin.isTTY,
    isTty: stdout.isTTY,
    isErrorTty: stderr.isTTY,
    hasColour: stdout.isTTY && (env['NO_COLOR'] ?? '') === '' && env['TERM'] !== 'dumb',
    columns: () => (stdout.isTTY ? stdout.columns : 80),
    rows: () => (stdout.isTTY ? stdout.rows : 24),
    signal: ending.signal,
    write: (data) =>
      new Promise((resolve, reject) => {
        stdout.write(data, (error) => {
          if (error === null || error === undefined) return resolve();
          closed(error);
          reject(ending.signal.reason as Error);
        });
      }),
    note: (text) => void stderr.write(text),
    close() {
      for (const signal of SIGNALS) process.off(signal, stop);
      stdin.destroy();
    },
  };
}
