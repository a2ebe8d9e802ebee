import { chmodSync, closeSync, mkdirSync, openSync, statSync } from 'node:fs';
import type { Stats } from 'node:fs';
import { storeError } from './store-errors.ts';

const DIRECTORY_MODE = 0o700;
const FILE_MODE = 0o600;
const OTHERS = 0o077;

/** Something that others could read or write, until now. */
export interface LoosePermissions {
  readonly kind: 'loose-permissions';
  readonly path: string;
  /** The permission bits as they were found, for example `0o755`. */
  readonly mode: number;
}

/** Makes the directory, for its owner alone, if it is not there. Leaves one that is there as it is. */
export function makePrivateDirectory(path: string): void {
  try {
    mkdirSync(path, { recursive: true, mode: DIRECTORY_MODE });
  } catch (error) {
    throw storeError(`make the directory ${path}`, error);
  }
}

/** Makes the file, empty and for its owner alone, if it is not there. Leaves one that is there as it is. */
export function makePrivateFile(path: string): void {
  try {
    closeSync(openSync(path, 'wx', FILE_MODE));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw storeError(`make the file ${path}`, error);
  }
}

/** Which of these paths others than the owner can reach. None on Windows, which has no such bits. */
export function findLoosePermissions(paths: readonly string[]): LoosePermissions[] {
  if (process.platform === 'win32') return [];
  return paths.flatMap((path) => {
    const stats = statOf(path);
    if (stats === undefined || (stats.mode & OTHERS) === 0) return [];
    return [{ kind: 'loose-permissions' as const, path, mode: stats.mode & 0o777 }];
  });
}

/** Takes these paths, those that are there, away from everybody but their owner: directories 0700, files 0600. */
export function tightenPermissions(paths: readonly string[]): void {
  for (const { path } of findLoosePermissions(paths)) {
    try {
      chmodSync(path, statOf(path)?.isDirectory() ? DIRECTORY_MODE : FILE_MODE);
    } catch (error) {
      throw storeError(`restrict the permissions of ${path}`, error);
    }
  }
}

function statOf(path: string): Stats | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false });
  } catch (error) {
    throw storeError(`look at ${path}`, error);
  }
}
