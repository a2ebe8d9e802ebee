import { Worker } from 'node:worker_threads';

/**
 * Starts a module of this package as a worker thread, from built JavaScript as well as from the TypeScript sources.
 *
 * @param name the module's file name without its extension, beside this one
 */
export function startWorker(name: string, workerData: unknown): Worker {
  if (!import.meta.url.endsWith('.ts')) {
    return new Worker(new URL(`./${name}.js`, import.meta.url), { workerData });
  }
  // From sources: a thread has module hooks of its own and does not inherit those that let its parent read TypeScript.
  const module = JSON.stringify(new URL(`./${name}.ts`, import.meta.url).href);
  const hooks = JSON.stringify(import.meta.resolve('tsx/esm/api'));
  const bootstrap = `import(${hooks}).then(({ register }) => { register(); return import(${module}); })`;
  return new Worker(bootstrap, { eval: true, workerData, execArgv: [] });
}
