import { closeSync, fdatasyncSync, openSync, readdirSync, readSync, rmSync, statSync, writevSync } from 'node:fs';
import { join } from 'node:path';
import { flushDirectory } from './flush-directory.ts';

/** Where the bytes of a segment lie. */
export interface SegmentPlace {
  /** Files have numbers, from 1 on. */
  readonly file: number;
  readonly offset: number;
  readonly bytes: number;
}

/** Where the next bytes go. */
interface Tail {
  readonly file: number;
  readonly offset: number;
}

/** Asked before the files become as large as this. */
export type TakeBytes = (fileBytes: number) => boolean;

/** Files that are kept open for reading. */
const MAX_OPEN = 16;
const NAME = /^relay\.entries\.(\d+)$/;
/** What passes when somebody makes room or lets go of something. Any other failure is the device's. */
const PASSING = new Set(['ENOSPC', 'EDQUOT', 'EMFILE', 'ENFILE']);

/**
 * The bytes of large segments: files that are only ever appended to, beside the database that knows what lies where. In the
 * database itself every byte is written twice, in pages, and costs several times as much.
 *
 * What is put here is flushed before the transaction that names it is committed, so whatever the database names is there. What
 * a transaction that failed has left behind its end is written over.
 */
export class SegmentFiles {
  readonly #directory: string;
  readonly #maxFileBytes: number;
  readonly #take: TakeBytes;
  /** Sizes of all files. */
  readonly #sizes: Map<number, number>;
  readonly #descriptors = new Map<number, number>();
  #tail: Tail;
  #pending: Uint8Array[] = [];
  /** Where {@link #pending} starts. */
  #start: Tail;
  /** The newest file whose name is known to be on disk. */
  #named: number;

  /**
   * @param last the place that was given last and is in the database, if any
   * @param maxFileBytes a file that has reached it gets no more: space comes back a file at a time
   */
  constructor(directory: string, last: SegmentPlace | undefined, maxFileBytes: number, take: TakeBytes) {
    this.#directory = directory;
    this.#maxFileBytes = maxFileBytes;
    this.#take = take;
    this.#sizes = new Map(filesIn(directory));
    this.#tail = last === undefined ? { file: 1, offset: 0 } : { file: last.file, offset: last.offset + last.bytes };
    this.#start = this.#tail;
    this.#named = last?.file ?? 0;
    take(this.bytes);
  }

  /** Size of all files. */
  get bytes(): number {
    let bytes = 0;
    for (const size of this.#sizes.values()) bytes += size;
    return bytes;
  }

  /** Whether a file is as long as it must be to hold what lies there. */
  has({ file, offset, bytes }: SegmentPlace): boolean {
    return (this.#sizes.get(file) ?? 0) >= offset + bytes;
  }

  /**
   * Takes bytes that {@link flush} will write, and says where; `undefined` if the log may not grow by so much. The bytes must not
   * change until then.
   */
  put(bytes: Uint8Array): SegmentPlace | undefined {
    if (this.#pending.length === 0 && this.#tail.offset >= this.#maxFileBytes) this.#turn();
    const { file, offset } = this.#tail;
    const size = this.#sizes.get(file) ?? 0;
    const end = offset + bytes.length;
    if (end > size && !this.#take(this.bytes - size + end)) {
      this.#take(this.bytes);
      return undefined;
    }
    this.#pending.push(bytes);
    this.#tail = { file, offset: end };
    return { file, offset, bytes: bytes.length };
  }

  /** What was put is on disk when this returns. @throws what the file system throws */
  flush(): void {
    if (this.#pending.length === 0) return;
    const { file, offset } = this.#start;
    const descriptor = this.#open(file);
    writeFully(descriptor, this.#pending, offset);
    this.#sizes.set(file, Math.max(this.#sizes.get(file) ?? 0, this.#tail.offset));
    fdatasyncSync(descriptor);
    if (this.#named < file) flushDirectory(this.#directory);
    this.#named = file;
  }

  /** The transaction that names what was put is durable. */
  commit(): void {
    this.#pending = [];
    this.#start = this.#tail;
  }

  /** The transaction did not happen: what was put is forgotten. */
  rollBack(): void {
    this.#pending = [];
    this.#tail = this.#start;
  }

  /**
   * The bytes that lie somewhere; `undefined` if the file does not hold them.
   *
   * @param target where they go; default a buffer of their own
   */
  read({ file, offset, bytes }: SegmentPlace, target: Uint8Array = new Uint8Array(bytes)): Uint8Array | undefined {
    if (!this.#sizes.has(file)) return undefined;
    const descriptor = this.#open(file);
    for (let at = 0; at < bytes; ) {
      const count = readSync(descriptor, target, at, bytes - at, offset + at);
      if (count === 0) return undefined;
      at += count;
    }
    return target.subarray(0, bytes);
  }

  /**
   * Deletes the files of which nothing is named any more.
   *
   * @param oldest the oldest place that is named, if any is
   */
  keepFrom(oldest: SegmentPlace | undefined): void {
    if (oldest === undefined && this.#tail.offset > 0) this.#turn();
    const first = oldest?.file ?? this.#tail.file;
    for (const file of this.#sizes.keys()) {
      if (file >= first && file <= this.#tail.file) continue;
      this.#close(file);
      rmSync(this.#pathOf(file), { force: true });
      this.#sizes.delete(file);
    }
    this.#take(this.bytes);
  }

  /** Lets go of all files. */
  close(): void {
    for (const file of this.#descriptors.keys()) this.#close(file);
  }

  /** Goes on in another file. */
  #turn(): void {
    this.#tail = { file: this.#tail.file + 1, offset: 0 };
    this.#start = this.#tail;
  }

  #open(file: number): number {
    const known = this.#descriptors.get(file);
    if (known !== undefined) return known;
    const [longest] = this.#descriptors.keys();
    if (this.#descriptors.size >= MAX_OPEN && longest !== undefined) this.#close(longest);
    const size = this.#sizes.get(file);
    const descriptor = openSync(this.#pathOf(file), size === undefined ? 'wx+' : 'r+', 0o600);
    this.#sizes.set(file, size ?? 0);
    this.#descriptors.set(file, descriptor);
    return descriptor;
  }

  #close(file: number): void {
    const descriptor = this.#descriptors.get(file);
    if (descriptor === undefined) return;
    this.#descriptors.delete(file);
    closeSync(descriptor);
  }

  #pathOf(file: number): string {
    return join(this.#directory, `relay.entries.${file}`);
  }
}

/** Whether an error of the file system says that the device failed: what was written may then not be there. */
export function isFileFailure(error: unknown): boolean {
  if (!(error instanceof Error) || !('syscall' in error) || !('code' in error)) return false;
  return !PASSING.has(String(error.code));
}

function* filesIn(directory: string): Generator<[file: number, size: number]> {
  for (const name of readdirSync(directory)) {
    const file = NAME.exec(name)?.[1];
    if (file !== undefined) yield [Number(file), statSync(join(directory, name)).size];
  }
}

function writeFully(descriptor: number, parts: readonly Uint8Array[], offset: number): void {
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  let written = writevSync(descriptor, parts, offset);
  while (written < length) {
    const rest = Buffer.concat(parts).subarray(written);
    written += writevSync(descriptor, [rest], offset + written);
  }
}
