import { setTimeout as wait } from 'node:timers/promises';
import type { Worker } from 'node:worker_threads';
import { afterAll, beforeAll } from 'vitest';

/**
 * Fails a test file that leaves something open: a timer, a socket, a server, a child process or a worker.
 *
 * Loaded by vitest before each test file, so that its hook is the last one to run. What was closed may take a moment to
 * disappear, and vitest has a short timer of its own, therefore it looks again for a while. Timers that were told
 * `unref()` are not seen.
 */
const WATCHED = ['Timeout', 'TCPServerWrap', 'TCPSocketWrap', 'UDPWrap', 'ProcessWrap', 'FSEventWrap'] as const;
const GRACE_MS = 3000;
const POLL_MS = 20;
/** Looks before a file begins, a little apart: a timer of vitest's own must not stand for one that the file leaves. */
const LOOKS = 4;
const LOOK_MS = 5;

function countOpen(): Map<string, number> {
  const counts = new Map<string, number>(WATCHED.map((kind) => [kind, 0]));
  for (const kind of process.getActiveResourcesInfo()) {
    const count = counts.get(kind);
    if (count !== undefined) counts.set(kind, count + 1);
  }
  return counts;
}

const openBefore = countOpen();
beforeAll(async () => {
  for (let look = 0; look < LOOKS; look += 1) {
    await wait(LOOK_MS);
    for (const [kind, count] of countOpen()) openBefore.set(kind, Math.min(count, openBefore.get(kind) ?? 0));
  }
});
const workers = new Set<Worker>();
const track = (worker: Worker): void => {
  workers.add(worker);
  worker.once('exit', () => workers.delete(worker));
};
process.on('worker', track);

function leftOpen(): string[] {
  const left: string[] = [];
  for (const [kind, count] of countOpen()) {
    const more = count - (openBefore.get(kind) ?? 0);
    if (more > 0) left.push(`${more} × ${kind}`);
  }
  if (workers.size > 0) left.push(`${workers.size} × Worker`);
  return left;
}

afterAll(async () => {
  let left = leftOpen();
  for (let waitedMs = 0; left.length > 0 && waitedMs < GRACE_MS; waitedMs += POLL_MS) {
    await wait(POLL_MS);
    left = leftOpen();
  }
  process.off('worker', track);
  if (left.length > 0) throw new Error(`This test file leaves open: ${left.join(', ')}.`);
});
