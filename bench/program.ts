import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { AnswerOf, ArgumentsOf, Calls, Memory, Request, Response, Usage } from './program-protocol.ts';

interface Pending {
  readonly resolve: (answer: never) => void;
  readonly reject: (error: Error) => void;
}

/** A measured process, seen from the bench. `T` is what it serves beside what all of them do. */
export class Program<T extends Calls<T>> {
  readonly #child: ChildProcess;
  readonly #pending = new Map<number, Pending>();
  #lastId = 0;

  /**
   * @param file the compiled program
   * @param profileDir where it leaves a CPU profile of its life, if anywhere
   */
  constructor(file: string, profileDir?: string) {
    const profiling = profileDir === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${profileDir}`];
    this.#child = fork(file, {
      execArgv: ['--expose-gc', '--enable-source-maps', ...profiling],
      serialization: 'advanced',
    });
    this.#child.on('message', (response: Response) => this.#settle(response));
    this.#child.once('exit', (code, signal) => this.#fail(`a process has ended: ${String(code ?? signal)}`));
    this.#child.once('error', (error) => this.#fail(error.message));
  }

  /** Asks for something that this program serves. Rejects if the process cannot do it, or ends. */
  call<Name extends keyof T & string>(name: Name, ...argument: ArgumentsOf<T[Name]>): Promise<AnswerOf<T[Name]>> {
    return this.#request(name, argument[0]);
  }

  /** What the process has used up so far. */
  usage(): Promise<Usage> {
    return this.#request('usage');
  }

  /** What the process holds, after a garbage collection. */
  memory(): Promise<Memory> {
    return this.#request('memory');
  }

  /** Lets the process end, and waits for it; ends it by force when it does not. */
  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const exited = once(this.#child, 'exit');
    const force = setTimeout(() => this.#child.kill('SIGKILL'), 20_000);
    if (this.#child.connected) this.#child.disconnect();
    await exited;
    clearTimeout(force);
  }

  /** Ends the process at once, as nothing in it expects. Resolves when it is gone. */
  async kill(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const exited = once(this.#child, 'exit');
    this.#child.kill('SIGKILL');
    await exited;
  }

  #request<Answer>(name: string, argument?: unknown): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const id = ++this.#lastId;
      this.#pending.set(id, { resolve, reject });
      const request: Request = { id, name, argument };
      this.#child.send(request, (error) => {
        // Its end of the pipe is gone before its end is told.
        if (error !== null) this.#fail(`a process has ended: ${error.message}`);
      });
    });
  }

  #settle(response: Response): void {
    const pending = this.#pending.get(response.id);
    this.#pending.delete(response.id);
    if ('error' in response) pending?.reject(new Error(response.error));
    else pending?.resolve(response.answer as never);
  }

  #fail(reason: string): void {
    for (const { reject } of this.#pending.values()) reject(new Error(reason));
    this.#pending.clear();
  }
}

/** Starts measured processes from the directory that holds their compiled files. */
export class Launcher {
  readonly #directory: string;
  readonly #profiles: string | undefined;
  readonly #programs: { stop(): Promise<void> }[] = [];

  constructor(directory: string, profiles?: string) {
    this.#directory = directory;
    this.#profiles = profiles;
  }

  /** Starts the program of this name; its profile, if one is wanted, goes into a directory named after it and `label`. */
  start<T extends Calls<T>>(name: string, label: string): Program<T> {
    const profiles = this.#profiles === undefined ? undefined : join(this.#profiles, `${label} ${name}`);
    const program = new Program<T>(join(this.#directory, `${name}.js`), profiles);
    this.#programs.push(program);
    return program;
  }

  /** Ends all that were started, the latest first. */
  async stop(): Promise<void> {
    for (const program of this.#programs.splice(0).reverse()) await program.stop();
  }
}
