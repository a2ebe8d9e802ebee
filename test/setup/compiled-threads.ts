import { relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { ROOT } from '../../scripts/lib/root.ts';
import { compiled } from '../support/compiled.ts';

/**
 * Stands in for src/base/worker-thread.ts (vitest.config.ts): the threads of the servers run what was compiled before the
 * tests. Each would read its TypeScript anew otherwise, and that takes longer than most tests.
 */
export function startWorker(module: URL, workerData?: unknown): Worker {
  return new Worker(compiled(`${relative(ROOT, fileURLToPath(module))}.ts`), { workerData });
}
