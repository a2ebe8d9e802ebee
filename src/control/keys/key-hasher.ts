import type { Worker } from 'node:worker_threads';
import { startWorker } from '../../base/worker-thread.ts';
import { Refusal } from '../refusal.ts';
import type { HashRequest, HashResponse } from './hash-worker.ts';

interface Waiting {
  readonly resolve: (value: never) => void;
  readonly reject: (error: Error) => void;
}

/** Hashes keys and compares them with hashes (argon2id, RFC 9106), in a thread of its own and one at a time. */
export class KeyHasher {
  readonly #maxQueue: number;
  readonly #waiting: Waiting[] = [];
  #worker: Worker | undefined;
  #isClosed = false;

  /** @param maxQueue how many may wait; beyond, callers are refused with 503 */
  constructor(maxQueue: number) {
    this.#maxQueue = maxQueue;
  }

  /** The hash with its salt and cost, in the PHC string format. */
  hash(key: string): Promise<string> {
    return this.#ask({ kind: 'hash', key });
  }

  verify(key: string, hash: string): Promise<boolean> {
    return this.#ask({ kind: 'verify', key, hash });
  }

  /** Starts the thread, so that the first key does not wait for that. */
  warm(): void {
    this.#worker ??= this.#start();
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#worker?.terminate();
  }

  #ask<T>(request: HashRequest): Promise<T> {
    if (this.#isClosed) return Promise.reject(new Refusal(503, 'the server is closing'));
    if (this.#waiting.length >= this.#maxQueue) {
      return Promise.reject(new Refusal(503, 'too many keys are being verified, try again', 'busy', 1));
    }
    const worker = (this.#worker ??= this.#start());
    return new Promise<T>((resolve, reject) => {
      this.#waiting.push({ resolve, reject });
      worker.postMessage(request);
    });
  }

  /** Started when it is first needed, and again if it has died. */
  #start(): Worker {
    const worker = startWorker(new URL('./hash-worker', import.meta.url));
    let cause: unknown;
    worker.on('message', (response: HashResponse) => {
      const waiting = this.#waiting.shift();
      if ('value' in response) waiting?.resolve(response.value as never);
      else waiting?.reject(new Error(`a key could not be hashed: ${response.failure}`));
    });
    worker.on('error', (error) => (cause = error));
    worker.on('exit', () => {
      if (this.#worker === worker) this.#worker = undefined;
      for (const { reject } of this.#waiting.splice(0)) {
        reject(
          this.#isClosed ? new Refusal(503, 'the server is closing') : new Error('the hash worker died', { cause }),
        );
      }
    });
    return worker;
  }
}
