import { randomBytes } from 'node:crypto';
import { parentPort } from 'node:worker_threads';
import { argon2id, argon2Verify } from 'hash-wasm';

// The thread that hashes: argon2id takes some 50 ms of a core, which the thread that serves the network does not have.

/** What the thread is asked. */
export type HashRequest =
  | { readonly kind: 'hash'; readonly key: string }
  | { readonly kind: 'verify'; readonly key: string; readonly hash: string };

/** What it answers, in order. */
export type HashResponse = { readonly value: string | boolean } | { readonly failure: string };

if (parentPort === null) throw new Error('the hash worker was started outside of a worker thread');
const port = parentPort;

/** OWASP's first choice for argon2id: 19 MiB, two passes. */
const COST = { memorySize: 19 * 1024, iterations: 2, parallelism: 1, hashLength: 32 } as const;

async function answer(request: HashRequest): Promise<HashResponse> {
  try {
    if (request.kind === 'verify') {
      return { value: await argon2Verify({ password: request.key, hash: request.hash }) };
    }
    return { value: await argon2id({ ...COST, password: request.key, salt: randomBytes(16), outputType: 'encoded' }) };
  } catch (error) {
    return { failure: error instanceof Error ? error.message : String(error) };
  }
}

let turn: Promise<void> = Promise.resolve();
port.on('message', (request: HashRequest) => {
  turn = turn.then(async () => port.postMessage(await answer(request)));
});
