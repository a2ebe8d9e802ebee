import { Worker } from 'node:worker_threads';

/** Whether this package runs from its TypeScript sources. */
const isSource = import.meta.url.endsWith('.ts');

/**
 * Starts a module of this package as a worker thread, from built JavaScript as well as from the TypeScript sources.
 *
 * @param module where the module is, without its extension: `new URL('./sqlite-worker', import.meta.url)`
 */
export function startWorker(module: URL, workerData?: unknown): Worker {
  if (!isSource) return new Worker(new URL(`${module.href}.js`), { workerData });
  // From sources: a thread has module hooks of its own and does not inherit those that let its parent read TypeScript.
  const source = JSON.stringify(`${module.href}.ts`);
  const hooks = JSON.stringify(import.meta.resolve('tsx/esm/api'));
  const bootstrap = `import(${hooks}).then(({ register }) => { register(); return import(${source}); })`;
  return new Worker(bootstrap, { eval: true, workerData, execArgv: [] });
}
