import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { setTimeout as wait } from 'node:timers/promises';
import { onTestFinished } from 'vitest';
import { compiled } from '../support/compiled.ts';

const PROGRAM = compiled('test/relay/programs/race-commits.ts');

/** A process with an engine that commits on a channel as fast as it can, so that it can be paused as a whole. */
export class RacingRelay {
  /** Resolves when it was told to stop. */
  readonly ended: Promise<void>;
  readonly #child: ChildProcess;
  readonly #won: string[] = [];
  #attempts = 0;
  #end: () => void = () => undefined;

  private constructor(child: ChildProcess) {
    this.#child = child;
    this.ended = new Promise((resolve) => (this.#end = resolve));
    createInterface(child.stdout!).on('line', (line) => {
      this.#attempts += 1;
      if (line.startsWith('won ')) this.#won.push(line.slice(4));
    });
  }

  static async start(servers: readonly string[], log: string, channel: string): Promise<RacingRelay> {
    const args = [PROGRAM, servers.join(','), log, channel];
    const child = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'] });
    const relay = new RacingRelay(child);
    onTestFinished(async () => {
      child.kill('SIGKILL');
      if (child.exitCode === null && child.signalCode === null) await once(child, 'close');
    });
    await relay.races(1);
    return relay;
  }

  /** Resolves when it has had `count` more answers. */
  async races(count: number): Promise<void> {
    const goal = this.#attempts + count;
    while (this.#attempts < goal) {
      if (this.#child.exitCode !== null) throw new Error('the racing relay has ended');
      await wait(5);
    }
  }

  pause(): void {
    this.#child.kill('SIGSTOP');
  }

  resume(): void {
    this.#child.kill('SIGCONT');
  }

  /** Resolves to the epochs that it was told it has won, with their numbers. */
  async stop(): Promise<readonly string[]> {
    this.#end();
    this.#child.stdin!.end();
    await once(this.#child, 'close');
    return this.#won;
  }
}
