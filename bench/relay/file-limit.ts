import { readFileSync } from 'node:fs';

/** How many files, sockets included, a process may have open; `undefined` where the system does not tell. */
export function maxOpenFiles(): number | undefined {
  try {
    const limit = /^Max open files\s+\S+\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1];
    return limit === undefined ? undefined : Number(limit);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
