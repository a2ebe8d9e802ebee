import type { AppendOutcome, AppendRequest } from '../log-engine.ts';
import { refused } from '../log-rules.ts';
import { WaitingBytes } from '../waiting-bytes.ts';
import { requestBytes } from './append-batch.ts';

/**
 * Batches at the worker at once: one that is written and one that is ready, so that the disk never waits for us. The second
 * one goes there when it is as large as the first, or batches would be large and tiny in turn, and half of the flushes vain.
 */
const MAX_BATCHES_IN_FLIGHT = 2;
/** One transaction takes no more than this, or one request. */
const MAX_BATCH_BYTES = 4 * 1024 * 1024;
/** Requests that wait for the disk; beyond that they are answered `unavailable`. */
const MAX_QUEUED_BYTES = 64 * 1024 * 1024;

const NOT_NOW = 'the log cannot be written just now';

interface Waiting {
  readonly request: AppendRequest;
  readonly bytes: number;
  readonly resolve: (outcome: AppendOutcome) => void;
}

/**
 * Writes a batch in one transaction; resolves to one outcome per request, or to `undefined` if nothing was stored: then nothing of the
 * batches is stored either that were under way behind it.
 */
export type WriteBatch = (requests: readonly AppendRequest[]) => Promise<readonly AppendOutcome[] | undefined>;

/** Group commit: all that is submitted while a transaction runs goes into the next one. */
export class AppendQueue {
  readonly #write: WriteBatch;
  readonly #queue: Waiting[] = [];
  readonly #waiting = new WaitingBytes(MAX_QUEUED_BYTES);
  #batchesInFlight = 0;
  #bytesInFlight = 0;
  #isFlushPlanned = false;
  #isClosed = false;
  #idle: (() => void) | undefined;

  constructor(write: WriteBatch) {
    this.#write = write;
  }

  /** Bytes of requests that have no answer yet. */
  get bytes(): number {
    return this.#waiting.bytes;
  }

  /** Never rejects. */
  push(request: AppendRequest): Promise<AppendOutcome> {
    if (this.#isClosed) return Promise.resolve(unavailable(request, 'the relay is shutting down'));
    const bytes = requestBytes(request);
    if (!this.#waiting.take(bytes)) {
      return Promise.resolve(unavailable(request, 'too much waits for the disk already'));
    }
    return new Promise((resolve) => {
      this.#queue.push({ request, bytes, resolve });
      this.#planFlush();
    });
  }

  /** Takes nothing more; resolves when all that was pushed is answered. */
  async close(): Promise<void> {
    this.#isClosed = true;
    if (this.#queue.length > 0 || this.#batchesInFlight > 0) {
      await new Promise<void>((resolve) => (this.#idle = resolve));
    }
  }

  get #mayWrite(): boolean {
    const waitingBytes = this.#waiting.bytes - this.#bytesInFlight;
    return (
      this.#batchesInFlight < MAX_BATCHES_IN_FLIGHT && waitingBytes >= Math.min(this.#bytesInFlight, MAX_BATCH_BYTES)
    );
  }

  /** At the end of the loop's turn, so that all frames that one read of the sockets brought share a batch. */
  #planFlush(): void {
    if (this.#isFlushPlanned || !this.#mayWrite) return;
    this.#isFlushPlanned = true;
    setImmediate(() => {
      this.#isFlushPlanned = false;
      this.#flush();
    });
  }

  #flush(): void {
    while (this.#queue.length > 0 && this.#mayWrite) {
      void this.#settle(this.#takeBatch());
    }
    if (this.#queue.length === 0 && this.#batchesInFlight === 0) this.#idle?.();
  }

  #takeBatch(): Waiting[] {
    let bytes = 0;
    let count = 0;
    for (const waiting of this.#queue) {
      bytes += waiting.bytes;
      if (count > 0 && bytes > MAX_BATCH_BYTES) break;
      count += 1;
    }
    return this.#queue.splice(0, count);
  }

  async #settle(batch: readonly Waiting[]): Promise<void> {
    const batchBytes = batch.reduce((sum, { bytes }) => sum + bytes, 0);
    this.#batchesInFlight += 1;
    this.#bytesInFlight += batchBytes;
    try {
      const outcomes = await this.#write(batch.map(({ request }) => request));
      batch.forEach(({ request, resolve }, index) => resolve(outcomes?.[index] ?? unavailable(request, NOT_NOW)));
      if (outcomes === undefined) this.#refuseWaiting();
    } finally {
      this.#batchesInFlight -= 1;
      this.#bytesInFlight -= batchBytes;
      this.#waiting.give(batchBytes);
      this.#flush();
    }
  }

  /** Nothing overtakes what could not be stored. */
  #refuseWaiting(): void {
    for (const { request, bytes, resolve } of this.#queue.splice(0)) {
      this.#waiting.give(bytes);
      resolve(unavailable(request, NOT_NOW));
    }
  }
}

function unavailable({ submissions }: AppendRequest, detail: string): AppendOutcome {
  return { answers: submissions.map(() => refused('unavailable', detail, 0n)) };
}
