import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { RelayLogger } from './relay-logger.ts';

/** A time kept in a file. A convenience, not a promise: what cannot be read or written is logged once, and done without. */
export class TimeFile {
  readonly #path: string;
  readonly #logger: RelayLogger;
  #isTold = false;

  constructor(path: string, logger: RelayLogger) {
    this.#path = path;
    this.#logger = logger;
  }

  /** The time (Unix ms), if there is one. Never rejects. */
  async read(): Promise<number | undefined> {
    let text: string;
    try {
      text = (await readFile(this.#path, 'utf8')).trim();
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') this.#tell(error);
      return undefined;
    }
    if (/^\d{1,15}$/.test(text)) return Number(text);
    this.#tell(new Error('it does not hold a time'));
    return undefined;
  }

  /** Puts the time in the place of the one before, whole or not at all. Never rejects. */
  async write(timeMs: number): Promise<void> {
    const draft = `${this.#path}.new`;
    try {
      await mkdir(dirname(this.#path), { recursive: true, mode: 0o700 });
      await writeFile(draft, `${timeMs}\n`, { mode: 0o600 });
      await rename(draft, this.#path);
    } catch (error) {
      this.#tell(error);
    }
  }

  #tell(error: unknown): void {
    if (this.#isTold) return;
    this.#isTold = true;
    this.#logger.warn({ err: error }, 'how far retention has come is not remembered over restarts');
  }
}
