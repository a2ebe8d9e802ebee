import { constants } from 'node:fs';
import { open, readFile, rename, rm } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { KeyTableStorage } from './key-table.ts';
import { storeError } from './store-errors.ts';

/**
 * A key table in a file of its own. A write is there as a whole or not at all, is durable when it resolves, and overwrites
 * what it replaces with zeros. (Whether the device still has the old blocks is beyond a program: flash memory may.)
 */
export class KeyFile implements KeyTableStorage {
  readonly path: string;
  readonly name: string;
  readonly #draft: string;

  constructor(path: string, name: string) {
    this.name = name;
    this.path = path;
    this.#draft = `${path}.new`;
  }

  async read(): Promise<Uint8Array | undefined> {
    try {
      // What a crash left of a write that nobody was told of.
      await eraseFile(this.#draft);
      return new Uint8Array(await readFile(this.path));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw storeError(`read ${this.path}`, error);
    }
  }

  async write(bytes: Uint8Array): Promise<void> {
    let old: FileHandle | undefined;
    try {
      await eraseFile(this.#draft);
      await writeDurably(this.#draft, bytes);
      old = await openIfThere(this.path);
      // On Windows a file that is open cannot be replaced.
      if (process.platform === 'win32') await old?.close();
      await rename(this.#draft, this.path);
      await syncDirectory(dirname(this.path));
      if (process.platform !== 'win32') await overwrite(old);
    } catch (error) {
      throw storeError(`write ${this.path}`, error);
    } finally {
      if (process.platform !== 'win32') await old?.close();
    }
  }
}

async function writeDurably(path: string, bytes: Uint8Array): Promise<void> {
  const file = await open(path, 'wx', 0o600);
  try {
    await file.writeFile(bytes);
    await file.sync();
  } finally {
    await file.close();
  }
}

async function eraseFile(path: string): Promise<void> {
  const file = await openIfThere(path);
  if (file === undefined) return;
  try {
    await overwrite(file);
  } finally {
    await file.close();
  }
  await rm(path, { force: true });
}

async function overwrite(file: FileHandle | undefined): Promise<void> {
  if (file === undefined) return;
  const { size } = await file.stat();
  await file.write(new Uint8Array(size), 0, size, 0);
  await file.datasync();
}

async function openIfThere(path: string): Promise<FileHandle | undefined> {
  try {
    return await open(path, constants.O_RDWR);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** Makes a rename durable. Windows has no such call, and makes it durable by itself. */
async function syncDirectory(path: string): Promise<void> {
  if (process.platform === 'win32') return;
  const directory = await open(path, constants.O_RDONLY);
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}
