import { type Observable, Subject, takeUntil } from 'rxjs';
import { RuntimeError } from '../base/errors.ts';
import { type BufferPolicy, PolicyBuffer, type WaitPolicy } from './buffer-policy.ts';
import { Fifo } from './fifo.ts';
import { fromSignal } from './from-signal.ts';
import { type Holdable, isHoldable } from './holdable.ts';

/** Options of {@link iterate}. */
export interface IterateOptions {
  /** Ends the subscription when aborted. A `next()` that waits, or else the following one, rejects with its reason. */
  readonly signal?: AbortSignal;
}

/** How the iteration ends once no value waits any more. */
type End = { readonly kind: 'done' } | { readonly kind: 'failed'; readonly error: unknown };

interface Waiter<T> {
  readonly resolve: (result: IteratorResult<T, undefined>) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * The values of a stream for a `for await` loop.
 *
 * Subscribes at once, not at the first `next()`, so that nothing is missed in between; what the loop has not taken yet
 * is bounded by `policy`. The loop ends after the source has completed, and throws its error, in both cases after
 * the values that wait. Leaving the loop (`return()`) unsubscribes. Every `next()` settles, whatever ends the iteration.
 *
 * With `overflow: 'wait'` a loop that is slower than its source makes the source wait: for streams that can, as a channel can,
 * which then asks the relay for no more. What is on its way when the buffer is full still comes, and is kept beyond `capacity`.
 *
 * @throws RuntimeError `invalid_argument` for a policy that is none, and for `wait` on a stream that cannot
 *
 * @example
 * const words: string[] = [];
 * for await (const word of iterate(from(['to', 'be']), { capacity: 16, overflow: 'error' })) words.push(word);
 * assert.deepEqual(words, ['to', 'be']);
 */
export function iterate<T>(
  source: Observable<T>,
  policy: BufferPolicy<T> | WaitPolicy,
  options: IterateOptions = {},
): AsyncIterableIterator<T, undefined> & AsyncDisposable {
  if ('overflow' in policy && policy.overflow === 'wait' && !isHoldable(source)) {
    const hint = 'give `iterate` the channel itself, or one of its `messages$`, and filter in the loop';
    throw new RuntimeError('invalid_argument', `Expected a stream that can wait for \`overflow: 'wait'\`: ${hint}.`);
  }
  const iterator = new StreamIterator<T>(policy, options.signal);
  iterator.attach(source);
  return iterator;
}

class StreamIterator<T> implements AsyncIterableIterator<T, undefined>, AsyncDisposable {
  readonly #buffer: PolicyBuffer<T>;
  readonly #signal: AbortSignal | undefined;
  readonly #waiters = new Fifo<Waiter<T>>();
  readonly #stop$ = new Subject<void>();
  #source: Holdable | undefined;
  /** While the source waits for us. */
  #letGo: (() => void) | undefined;
  #end: End | undefined;

  constructor(policy: BufferPolicy<T> | WaitPolicy, signal: AbortSignal | undefined) {
    this.#buffer = new PolicyBuffer(policy);
    this.#signal = signal;
  }

  attach(source: Observable<T>): void {
    const signal = this.#signal;
    if (signal !== undefined) {
      fromSignal(signal)
        .pipe(takeUntil(this.#stop$))
        .subscribe({
          next: () => this.#abandon({ kind: 'failed', error: signal.reason }),
          error: (error: unknown) => this.#abandon({ kind: 'failed', error }),
        });
      if (signal.aborted) return;
    }
    if (this.#buffer.waits && isHoldable(source)) this.#source = source;
    source.pipe(takeUntil(this.#stop$)).subscribe({
      next: (value) => this.#accept(value),
      error: (error: unknown) => this.#finish({ kind: 'failed', error }),
      complete: () => this.#finish({ kind: 'done' }),
    });
  }

  next(): Promise<IteratorResult<T, undefined>> {
    // After the source's end nobody listens to the signal any more, yet values may wait.
    if (this.#signal?.aborted && this.#buffer.length > 0) this.#abandon({ kind: 'failed', error: this.#signal.reason });
    if (this.#buffer.length > 0) return Promise.resolve({ done: false, value: this.#shift() });
    return new Promise((resolve, reject) => {
      const waiter = { resolve, reject };
      if (this.#end === undefined) this.#waiters.push(waiter);
      else this.#settle(waiter);
    });
  }

  return(): Promise<IteratorResult<T, undefined>> {
    this.#abandon({ kind: 'done' });
    return Promise.resolve({ done: true, value: undefined });
  }

  throw(error?: unknown): Promise<IteratorResult<T, undefined>> {
    this.#abandon({ kind: 'done' });
    // The protocol's own rule: what is thrown into an iterator comes out of it, whatever it is.
    // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors
    return Promise.reject(error);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return();
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  #accept(value: T): void {
    const waiter = this.#waiters.shift();
    if (waiter !== undefined) {
      waiter.resolve({ done: false, value });
      return;
    }
    const overflow = this.#buffer.push(value);
    if (overflow !== undefined) this.#finish({ kind: 'failed', error: overflow });
    else if (this.#buffer.isFull) this.#letGo ??= this.#source?.hold();
  }

  #shift(): T {
    const value = this.#buffer.shift();
    if (this.#buffer.isHalfEmpty) this.#resume();
    return value;
  }

  #resume(): void {
    this.#letGo?.();
    this.#letGo = undefined;
  }

  /** Ends at once: what waits in the buffer is given up. */
  #abandon(end: End): void {
    this.#buffer.clear();
    this.#finish(end, true);
  }

  #finish(end: End, isFinal = false): void {
    if (this.#end !== undefined && !isFinal) return;
    this.#end = end;
    this.#stop$.next();
    this.#resume();
    for (const waiter of this.#waiters.clear()) this.#settle(waiter);
  }

  #settle(waiter: Waiter<T>): void {
    const end = this.#end;
    // An error is told once; the iteration is over after it.
    this.#end = { kind: 'done' };
    if (end?.kind === 'failed') waiter.reject(end.error);
    else waiter.resolve({ done: true, value: undefined });
  }
}
