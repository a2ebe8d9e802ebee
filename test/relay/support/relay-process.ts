import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { onTestFinished } from 'vitest';
import { compiled } from '../../support/compiled.ts';

/** `skytale-relay` as a process of its own. */
export interface RelayProcess {
  /** From the line that says that it is ready; rejects with what it wrote to stderr if it ends before. */
  readonly endpoint: Promise<string>;
  /** Exit code, or the signal that ended it. */
  readonly exited: Promise<number | string>;
  readonly stderr: () => string;
  readonly stdout: () => string;
  kill(signal: NodeJS.Signals): void;
}

/** Starts the relay's main program. It is killed when the test has finished. */
export function spawnRelay(...args: string[]): RelayProcess {
  const child = spawn(process.execPath, [compiled('src/relay/main.ts'), ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stderr = '';
  let stdout = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const exited = once(child, 'close').then(([code, signal]) => (code ?? signal) as number | string);
  const endpoint = new Promise<string>((resolve, reject) => {
    createInterface(child.stdout).on('line', (line) => {
      stdout += `${line}\n`;
      if (line.startsWith('{')) resolve((JSON.parse(line) as { endpoint: string }).endpoint);
    });
    void exited.then((end) => reject(new Error(`the relay ended (${end}) before it was ready: ${stderr}`)));
  });
  endpoint.catch(() => undefined); // whoever awaits it sees it
  onTestFinished(async () => {
    child.kill('SIGKILL');
    await exited;
  });
  return { endpoint, exited, stderr: () => stderr, stdout: () => stdout, kill: (signal) => void child.kill(signal) };
}
