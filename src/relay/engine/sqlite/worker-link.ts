import type { Worker } from 'node:worker_threads';
import { RuntimeError } from '../../../base/errors.ts';
import { startWorker } from '../../../base/worker-thread.ts';
import type { WorkerCalls, WorkerReady, WorkerRequest, WorkerResponse, WorkerSetup } from './worker-protocol.ts';

interface Waiting {
  readonly resolve: (value: never) => void;
  readonly reject: (error: RuntimeError) => void;
}

/** Calls to the thread that owns the database, answered in order. */
export class WorkerLink {
  readonly #worker: Worker;
  readonly #waiting: Waiting[] = [];
  #failure: RuntimeError | undefined;
  #isClosing = false;
  readonly #exited: Promise<void>;

  /**
   * Starts the thread and opens the database.
   *
   * @param onFailure called once if the thread ends by itself, because the log has failed for good. Waiting calls are
   * rejected before.
   */
  static async open(
    setup: WorkerSetup,
    onFailure: (error: RuntimeError) => void,
  ): Promise<{ link: WorkerLink; ready: WorkerReady }> {
    const link = new WorkerLink(setup, onFailure);
    try {
      return { link, ready: await link.#answer<WorkerReady>() };
    } catch (error) {
      link.#isClosing = true;
      await link.#exited;
      throw error;
    }
  }

  private constructor(setup: WorkerSetup, onFailure: (error: RuntimeError) => void) {
    this.#worker = startWorker(new URL('./sqlite-worker', import.meta.url), setup);
    let cause: unknown;
    this.#worker.on('message', (response: WorkerResponse) => this.#settle(response));
    this.#worker.on('error', (error) => (cause = error));
    this.#exited = new Promise((resolve) => {
      this.#worker.on('exit', () => {
        const ended = new RuntimeError('store_error', 'the thread that keeps the log has ended', { cause });
        const failure = (this.#failure ??= ended);
        for (const { reject } of this.#waiting.splice(0)) reject(failure);
        if (!this.#isClosing) onFailure(failure);
        resolve();
      });
    });
  }

  /** Asks the thread. Rejects with a {@link RuntimeError} `store_error` or `store_damaged`. */
  call<Name extends keyof WorkerCalls>(
    call: Name,
    args: Parameters<WorkerCalls[Name]>,
    transfer: readonly ArrayBuffer[] = [],
  ): Promise<ReturnType<WorkerCalls[Name]>> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    if (this.#isClosing) return Promise.reject(new RuntimeError('store_error', 'the log is closed'));
    this.#worker.postMessage({ call, args } satisfies WorkerRequest, transfer);
    return this.#answer();
  }

  /** Closes the database behind the calls that were made, and ends the thread. */
  async close(): Promise<void> {
    if (!this.#isClosing && this.#failure === undefined) {
      const closed = this.call('close', []);
      this.#isClosing = true;
      await closed;
    }
    await this.#exited;
  }

  #answer<T>(): Promise<T> {
    return new Promise<T>((resolve, reject) => this.#waiting.push({ resolve, reject }));
  }

  #settle(response: WorkerResponse): void {
    const waiting = this.#waiting.shift();
    if (response.ok) {
      waiting?.resolve(response.value as never);
    } else {
      const error = new RuntimeError(response.code, response.message);
      if (response.isFinal) this.#failure = error;
      waiting?.reject(error);
    }
  }
}
