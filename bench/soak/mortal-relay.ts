import { Program } from '../program.ts';
import type { SoakRelayCalls } from './programs/relay.ts';

/** A relay in a process of its own that is killed and started anew, on the same port and the same data. */
export class MortalRelay {
  readonly #file: string;
  readonly #dataDir: string;
  #program: Program<SoakRelayCalls> | undefined;
  #port = 0;

  constructor(file: string, dataDir: string) {
    this.#file = file;
    this.#dataDir = dataDir;
  }

  get endpoint(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  /** Resolves when it serves. */
  async start(): Promise<void> {
    this.#program = new Program<SoakRelayCalls>(this.#file);
    this.#port = await this.#program.call('open', { dataDir: this.#dataDir, port: this.#port });
  }

  /** As the power supply would do it. */
  async kill(): Promise<void> {
    await this.#program?.kill();
  }

  async stop(): Promise<void> {
    await this.#program?.stop();
  }
}
