import { type ChildProcess, fork } from 'node:child_process';
import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { fromEvent, type Observable } from 'rxjs';

/** A process of the demo: a relay or an agent. */
export class Child<To extends object, From> {
  /** What the process says. Hot. */
  readonly messages$: Observable<From>;
  /** Resolves when the process is gone and its last message has been read. */
  readonly ended: Promise<void>;
  readonly #process: ChildProcess;
  #expected: 'running' | 'killed' | 'finished' = 'running';
  #hasEnded = false;

  /**
   * @param program file of this folder that the process runs, without its extension
   * @param brief what it is told at the start, as JSON
   * @param fail told when the process cannot be started, cannot be told something, or ends otherwise than it was asked to
   */
  constructor(name: string, program: string, brief: object, fail: (error: Error) => void) {
    const file = fileURLToPath(new URL(`${program}${extname(import.meta.url)}`, import.meta.url));
    // Inherits what makes Node.js understand TypeScript. What a process has to say on stderr should be seen.
    const child = fork(file, [JSON.stringify(brief)], {
      serialization: 'advanced',
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    });
    this.#process = child;
    this.messages$ = fromEvent(child, 'message', (message) => message as From);
    child.on('error', (cause) => {
      fail(new Error(`the process of ${name} is out of reach: ${cause.message}`, { cause }));
    });
    this.ended = waitForEnd(child).then(() => {
      this.#hasEnded = true;
      const how = child.signalCode ?? `exit code ${String(child.exitCode)}`;
      const isExpected = this.#expected === 'finished' ? child.exitCode === 0 : this.#expected === 'killed';
      if (!isExpected) fail(new Error(`${name} has ended unexpectedly (${how})`));
    });
  }

  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  tell(message: To): void {
    this.#process.send(message);
  }

  /** Stops the process in the middle of what it does. Windows cannot do that: there it runs on until it is killed. */
  freeze(): void {
    if (process.platform !== 'win32') this.#process.kill('SIGSTOP');
  }

  /** SIGKILL: no handler runs, nothing is flushed. Resolves when the process is gone. */
  async kill(): Promise<void> {
    this.#expected = 'killed';
    this.#process.kill('SIGKILL');
    await this.ended;
  }

  /** Tells the process to end. */
  finish(message: To): void {
    this.#expected = 'finished';
    this.tell(message);
  }
}

/** Exited, and its last message was read; or never started. */
async function waitForEnd(child: ChildProcess): Promise<void> {
  if (child.pid === undefined) return;
  await Promise.all(
    ['exit', 'disconnect'].map((event) => new Promise<void>((resolve) => child.once(event, () => resolve()))),
  );
}
