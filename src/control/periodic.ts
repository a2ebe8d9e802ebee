import type { Clock } from '../base/clock.ts';
import type { RelayLogger } from '../relay/index.ts';

/** Something that is done again and again, never twice at once. */
export class Periodic {
  readonly #clock: Clock;
  readonly #logger: RelayLogger;
  readonly #everyMs: number;
  readonly #name: string;
  readonly #work: () => Promise<void>;
  #cancel: (() => void) | undefined;
  #running: Promise<void> | undefined;
  #isWantedAgain = false;
  #isStopped = false;

  constructor(ports: { clock: Clock; logger: RelayLogger }, name: string, everyMs: number, work: () => Promise<void>) {
    this.#clock = ports.clock;
    this.#logger = ports.logger;
    this.#name = name;
    this.#everyMs = everyMs;
    this.#work = work;
  }

  start(): void {
    if (!this.#isStopped) this.#cancel = this.#clock.schedule(this.#everyMs, () => void this.now());
  }

  /** Does it now; if it is being done, once more behind that. Failures are logged, and it is tried again at its time. */
  now(): Promise<void> {
    if (this.#isStopped) return this.#running ?? Promise.resolve();
    if (this.#running !== undefined) {
      this.#isWantedAgain = true;
      return this.#running;
    }
    this.#cancel?.();
    return (this.#running = this.#run());
  }

  /** No more; waits for what is being done. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#cancel?.();
    await this.#running;
  }

  async #run(): Promise<void> {
    do {
      this.#isWantedAgain = false;
      await this.#once();
    } while (this.#shouldRunAgain());
    this.#running = undefined;
    this.start();
  }

  #shouldRunAgain(): boolean {
    return this.#isWantedAgain && !this.#isStopped;
  }

  async #once(): Promise<void> {
    try {
      await this.#work();
    } catch (error) {
      this.#logger.error({ err: error, chore: this.#name }, 'a chore has failed, and is tried again later');
    }
  }
}
