import { open } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import type { Clock } from '../../../base/clock.ts';

/** How long a mark may wait to be flushed: what a crash of the machine can hide at most. */
const FLUSH_INTERVAL_MS = 1000;

/** Flushes the high-water marks some time after they were written, from a thread that nobody waits for. */
export class MarkFlusher {
  readonly #file: FileHandle;
  readonly #clock: Clock;
  #cancel: (() => void) | undefined;
  #flushing: Promise<void> = Promise.resolve();
  #hasFailed = false;

  private constructor(file: FileHandle, clock: Clock) {
    this.#file = file;
    this.#clock = clock;
  }

  static async open(path: string, clock: Clock): Promise<MarkFlusher> {
    return new MarkFlusher(await open(path, 'r+'), clock);
  }

  /** Whether the last flush did not succeed. */
  get hasFailed(): boolean {
    return this.#hasFailed;
  }

  /** Something was marked. */
  plan(): void {
    this.#cancel ??= this.#clock.schedule(FLUSH_INTERVAL_MS, () => {
      this.#cancel = undefined;
      this.#flushing = this.#flush();
    });
  }

  /** Flushes nothing more: who writes the marks flushes them at the end. */
  async close(): Promise<void> {
    this.#cancel?.();
    await this.#flushing;
    await this.#file.close();
  }

  async #flush(): Promise<void> {
    this.#hasFailed = await this.#file.datasync().then(
      () => false,
      () => true,
    );
  }
}
