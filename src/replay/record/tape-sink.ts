import { type FileHandle, open } from 'node:fs/promises';
import { toSkytaleError } from '../../base/errors.ts';

/** Where a tape is written to. */
export interface TapeSink {
  /** Appends whole lines. The next call comes when this one has ended. */
  write(lines: string): Promise<void>;
  /** Nothing more will be written. */
  close(): Promise<void>;
}

/**
 * A new file that only its owner can read. Lines are in it when the operating system has them, so they outlive the process and
 * not a loss of power.
 *
 * @throws SystemError `EEXIST` if there is a file already: a tape is never overwritten
 */
export function fileSink(path: string): TapeSink {
  let file: Promise<FileHandle> | undefined;
  return {
    write: async (lines) => {
      file ??= open(path, 'wx', 0o600);
      await (await file).appendFile(lines);
    },
    close: async () => (await file)?.close(),
  };
}

/** A sink that keeps the tape in memory, as the text that {@link readTape} takes. */
export class MemorySink implements TapeSink {
  #lines: string[] = [];

  get text(): string {
    return this.#lines.join('');
  }

  write(lines: string): Promise<void> {
    this.#lines.push(lines);
    return Promise.resolve();
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}

/** Lines that wait for the sink, in characters, after which recording ends: the channel does not wait for its tape. */
const MAX_WAITING = 64 * 1024 * 1024;

/** Hands lines to a sink, in order and as many at once as there are. */
export class SinkWriter {
  readonly #sink: TapeSink;
  readonly #failed: (error: Error) => void;
  #waiting: string[] = [];
  #size = 0;
  #writing: Promise<void> | undefined;
  #error: Error | undefined;

  /** @param failed told once, when the sink cannot be written to or is too slow. Nothing is written after that. */
  constructor(sink: TapeSink, failed: (error: Error) => void) {
    this.#sink = sink;
    this.#failed = failed;
  }

  push(line: string): void {
    if (this.#error !== undefined) return;
    this.#waiting.push(line, '\n');
    this.#size += line.length + 1;
    if (this.#size > MAX_WAITING) this.#fail(new Error(`the sink is behind by ${MAX_WAITING} characters`));
    else this.#writing ??= this.#write();
  }

  /** Waits until everything is written, and closes the sink. @throws what it failed with */
  async close(): Promise<void> {
    await this.#writing;
    try {
      await this.#sink.close();
    } catch (error) {
      this.#error ??= toSkytaleError(error);
    }
    if (this.#error !== undefined) throw this.#error;
  }

  async #write(): Promise<void> {
    // What the present turn of the actor still brings goes with it.
    await Promise.resolve();
    try {
      while (this.#waiting.length > 0 && this.#error === undefined) {
        const lines = this.#waiting.join('');
        this.#waiting = [];
        this.#size = 0;
        await this.#sink.write(lines);
      }
    } catch (error) {
      this.#fail(toSkytaleError(error));
    }
    this.#writing = undefined;
  }

  #fail(error: Error): void {
    this.#error = error;
    this.#waiting = [];
    this.#failed(error);
  }
}
