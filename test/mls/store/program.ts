import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { onTestFinished } from 'vitest';
import { compiled } from '../../support/compiled.ts';

/** A program of this folder that runs in a process of its own, and is killed with the test. */
export interface Program {
  readonly process: ChildProcess;
  /** What it has printed so far. */
  readonly lines: readonly string[];
  /** Resolves with the first line that `matches`, printed already or to come; rejects if the process ends without it. */
  line(matches: (line: string) => boolean): Promise<string>;
  /** SIGKILL, and resolves when the process is gone. */
  kill(): Promise<void>;
}

export function runProgram(name: string, ...args: string[]): Program {
  const path = compiled(`test/mls/store/programs/${name}.ts`);
  const child = spawn(process.execPath, [path, ...args], { stdio: ['pipe', 'pipe', 'pipe'] });
  const ended = once(child, 'close');
  const lines: string[] = [];
  let complaints = '';
  child.stderr.on('data', (chunk: Buffer) => (complaints += chunk.toString()));
  const output = createInterface({ input: child.stdout });
  output.on('line', (line) => lines.push(line));
  const kill = async (): Promise<void> => {
    child.kill('SIGKILL');
    await ended;
  };
  onTestFinished(kill);
  return {
    process: child,
    lines,
    line: (matches) =>
      new Promise((resolve, reject) => {
        const found = lines.find(matches);
        if (found !== undefined) resolve(found);
        output.on('line', (line) => {
          if (matches(line)) resolve(line);
        });
        ended.then(() => reject(new Error(`${name} ended: ${lines.join(' | ')} ${complaints}`)), reject);
      }),
    kill,
  };
}
