import { closeSync, fsyncSync, openSync } from 'node:fs';

/** Flushes a directory: the names of its files, new ones and renamed ones, are on disk when this returns. */
export function flushDirectory(path: string): void {
  if (process.platform === 'win32') return; // directories cannot be opened there
  const descriptor = openSync(path, 'r');
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}
