import { createHash } from 'node:crypto';
import { closeSync, fsyncSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { crc32 } from 'node:zlib';
import { flushDirectory } from './flush-directory.ts';

/** How far the acknowledged writes of one channel went. None of these ever goes back. */
export interface ChannelMark {
  readonly headSeq: number;
  readonly epoch: number;
  /** How often its members changed. */
  readonly accessChanges: number;
}

/** What was in the file. */
export interface ReadMarks {
  /**
   * `exact`: every acknowledged write since is marked. `behind`: the machine was started anew since, so that the marks of the
   * last moments before may not have reached the disk. `missing`: there is no file. `damaged`: it cannot be read.
   */
  readonly condition: 'exact' | 'behind' | 'missing' | 'damaged';
  /** By the number of the channel. */
  readonly marks: ReadonlyMap<number, ChannelMark & { readonly nameHash: string }>;
}

const MAGIC = 0x536b794d; // SkyM
const VERSION = 1;
const PAGE = 4096;
/** One header page, then one slot per channel, by its number. A slot lies in one sector, so it is written as a whole. */
const SLOT = 64;
const HASH_BYTES = 16;
const CHECKED_BYTES = SLOT - 4;

/**
 * The high-water marks of a log: one small file beside the database, overwritten in place after each transaction and before
 * its acknowledgement.
 *
 * SQLite keeps what it can read of a damaged write-ahead log and says nothing of the rest; it cannot know of a file that was
 * replaced by an older copy. Compared with the marks, both show.
 *
 * A mark is written but not flushed: a flush per transaction would halve the rate of appends. Written is enough for a process
 * that dies, because the kernel has it. For a machine that dies, somebody else flushes the file about every second
 * (`fdatasync` from another thread). So after a crash of the process every lost write is noticed, and after a crash of the
 * machine every lost write that is older than that.
 */
export class HighWaterMarks {
  readonly #descriptor: number;
  readonly #dirtyPages = new Set<number>();
  #bytes: Buffer;
  #isBehind = false;

  private constructor(descriptor: number, bytes: Buffer) {
    this.#descriptor = descriptor;
    this.#bytes = bytes;
  }

  /** What the file says, without changing it. */
  static read(path: string): ReadMarks {
    let bytes: Buffer;
    try {
      bytes = readFileSync(path);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return { condition: 'missing', marks: new Map() };
      throw error;
    }
    const header = bytes.subarray(0, SLOT);
    if (header.length < SLOT || header.readUInt32BE(0) !== MAGIC || !isSound(header)) {
      return { condition: 'damaged', marks: new Map() };
    }
    if (header.readUInt32BE(4) !== VERSION) return { condition: 'damaged', marks: new Map() };
    const marks = new Map<number, ChannelMark & { nameHash: string }>();
    let isDamaged = false;
    for (let offset = PAGE; offset + SLOT <= bytes.length; offset += SLOT) {
      const slot = bytes.subarray(offset, offset + SLOT);
      if (slot.every((byte) => byte === 0)) continue;
      if (!isSound(slot)) isDamaged = true;
      else {
        marks.set((offset - PAGE) / SLOT, {
          nameHash: slot.toString('hex', 0, HASH_BYTES),
          headSeq: slot.readDoubleBE(16),
          epoch: slot.readDoubleBE(24),
          accessChanges: slot.readDoubleBE(32),
        });
      }
    }
    const isSameRun = machineRun()?.equals(header.subarray(8, 8 + HASH_BYTES)) ?? false;
    return { condition: isDamaged ? 'damaged' : isSameRun ? 'exact' : 'behind', marks };
  }

  /** Puts a new file with these marks in the place of the old one, flushed, and opens it. */
  static create(
    path: string,
    channels: Iterable<readonly [id: number, name: string, mark: ChannelMark]>,
  ): HighWaterMarks {
    const all = [...channels];
    const size = all.reduce((largest, [id]) => Math.max(largest, endOf(id)), PAGE);
    const bytes = Buffer.alloc(size);
    bytes.writeUInt32BE(MAGIC, 0);
    bytes.writeUInt32BE(VERSION, 4);
    machineRun()?.copy(bytes, 8);
    seal(bytes.subarray(0, SLOT));

    const temporary = `${path}.new`;
    const descriptor = openSync(temporary, 'w', 0o600);
    try {
      const marks = new HighWaterMarks(descriptor, bytes);
      for (const [id, name, mark] of all) marks.set(id, name, mark);
      writeFully(descriptor, bytes, 0, bytes.length);
      marks.#dirtyPages.clear();
      fsyncSync(descriptor);
      renameSync(temporary, path);
      flushDirectory(dirname(path));
      return marks;
    } catch (error) {
      closeSync(descriptor);
      throw error;
    }
  }

  /** Whether a mark could not be written. It is tried again with the next one. */
  get isBehind(): boolean {
    return this.#isBehind;
  }

  /**
   * Makes room on disk for the mark of a channel. Before its first write is committed: afterwards marking it cannot fail for
   * want of room.
   *
   * @throws what the file system throws, a full disk for example
   */
  reserve(id: number): void {
    const end = endOf(id);
    if (end <= this.#bytes.length) return;
    const grown = Buffer.alloc(end);
    writeFully(this.#descriptor, grown, this.#bytes.length, end);
    this.#bytes.copy(grown);
    this.#bytes = grown;
  }

  /** Notes how far a channel has come. It counts when {@link write} has returned. */
  set(id: number, name: string, { headSeq, epoch, accessChanges }: ChannelMark): void {
    const offset = PAGE + id * SLOT;
    const slot = this.#bytes.subarray(offset, offset + SLOT);
    if (slot.readUInt32BE(CHECKED_BYTES) === 0) hashOf(name).copy(slot);
    slot.writeDoubleBE(headSeq, 16);
    slot.writeDoubleBE(epoch, 24);
    slot.writeDoubleBE(accessChanges, 32);
    seal(slot);
    this.#dirtyPages.add(Math.floor(offset / PAGE));
  }

  /** Writes what was noted. Never throws: what is durable in the log is durable, marked or not. */
  write(): void {
    try {
      for (const page of this.#dirtyPages) {
        writeFully(this.#descriptor, this.#bytes, page * PAGE, (page + 1) * PAGE);
        this.#dirtyPages.delete(page);
      }
      this.#isBehind = false;
    } catch {
      this.#isBehind = true; // the pages stay dirty; health tells
    }
  }

  /** Flushes the file and lets go of it. */
  close(): void {
    try {
      this.write();
      fsyncSync(this.#descriptor);
    } finally {
      closeSync(this.#descriptor);
    }
  }
}

/** What stands for a channel's name in the file. */
export function nameHashOf(name: string): string {
  return hashOf(name).toString('hex');
}

function hashOf(name: string): Buffer {
  return createHash('sha256').update(name).digest().subarray(0, HASH_BYTES);
}

/** The file's size with the slot of a channel: whole pages. */
function endOf(id: number): number {
  return Math.ceil((PAGE + (id + 1) * SLOT) / PAGE) * PAGE;
}

function seal(slot: Buffer): void {
  slot.writeUInt32BE(crc32(slot.subarray(0, CHECKED_BYTES)), CHECKED_BYTES);
}

function isSound(slot: Buffer): boolean {
  return crc32(slot.subarray(0, CHECKED_BYTES)) === slot.readUInt32BE(CHECKED_BYTES);
}

/** Changes when the machine is started anew; `undefined` where the system does not tell. */
function machineRun(): Buffer | undefined {
  try {
    return hashOf(readFileSync('/proc/sys/kernel/random/boot_id', 'utf8'));
  } catch {
    return undefined; // not Linux
  }
}

function writeFully(descriptor: number, bytes: Buffer, from: number, to: number): void {
  for (let at = from; at < to; ) at += writeSync(descriptor, bytes, at, to - at, at);
}
