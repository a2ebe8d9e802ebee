import { Worker } from 'node:worker_threads';

/** Starts the thread that hashes, from built JavaScript as well as from the TypeScript sources. */
export function startHashWorker(): Worker {
  if (!import.meta.url.endsWith('.ts')) return new Worker(new URL('./hash-worker.js', import.meta.url));
  // From sources: a thread does not inherit the module hooks that let its parent read TypeScript.
  const module = JSON.stringify(new URL('./hash-worker.ts', import.meta.url).href);
  const hooks = JSON.stringify(import.meta.resolve('tsx/esm/api'));
  const bootstrap = `import(${hooks}).then(({ register }) => { register(); return import(${module}); })`;
  return new Worker(bootstrap, { eval: true, execArgv: [] });
}
