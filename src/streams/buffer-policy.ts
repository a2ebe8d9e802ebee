import { checkInteger } from '../base/check.ts';
import { RuntimeError } from '../base/errors.ts';
import { Fifo } from './fifo.ts';
import { reportToHost } from './report-to-host.ts';

/**
 * What waits for a consumer that is slower than its source, and what happens when there is no room.
 *
 * `capacity` values wait, at least 1. On overflow `error` ends the stream with `mailbox_full` behind the values that
 * wait, `dropOldest` and `dropNewest` drop one value and hand it to `onDrop`. `{ latest: true }` keeps the latest value
 * alone and means that the others may be skipped.
 */
export type BufferPolicy<T> =
  | {
      readonly capacity: number;
      readonly overflow: 'error' | 'dropOldest' | 'dropNewest';
      /** Called with each dropped value, on the source's stack. */
      readonly onDrop?: (value: T) => void;
    }
  | { readonly latest: true };

/**
 * For sources that can wait, see `iterate`: when `capacity` values wait for their consumer, the source is asked for no more, until
 * half of them are taken. What is on its way by then is kept as well; more than 4 096 of that end the stream with `mailbox_full`.
 */
export interface WaitPolicy {
  readonly capacity: number;
  readonly overflow: 'wait';
}

/** Values that a source may have on its way when it is asked to wait. */
const WAIT_SLACK = 4096;

/** @internal Values that wait under a {@link BufferPolicy}. */
export class PolicyBuffer<T> {
  readonly #values = new Fifo<T>();
  readonly #capacity: number;
  readonly #overflow: 'error' | 'dropOldest' | 'dropNewest';
  readonly #onDrop: ((value: T) => void) | undefined;
  /** How many wait when the source is to wait as well. */
  readonly #threshold: number | undefined;

  /** @throws {@link RuntimeError} `invalid_argument` for a policy that is none. */
  constructor(policy: BufferPolicy<T> | WaitPolicy) {
    if ('latest' in policy) {
      this.#capacity = 1;
      this.#overflow = 'dropOldest';
      this.#onDrop = undefined;
    } else if (policy.overflow === 'wait') {
      this.#threshold = checkInteger('capacity', policy.capacity, 1);
      this.#capacity = this.#threshold + WAIT_SLACK;
      this.#overflow = 'error';
      this.#onDrop = undefined;
    } else {
      this.#capacity = checkInteger('capacity', policy.capacity, 1);
      this.#overflow = checkOverflow(policy.overflow);
      this.#onDrop = policy.onDrop;
    }
  }

  get length(): number {
    return this.#values.length;
  }

  /** Whether the source is to wait when there is no room. */
  get waits(): boolean {
    return this.#threshold !== undefined;
  }

  /** Whether the source is to wait now. */
  get isFull(): boolean {
    return this.#threshold !== undefined && this.length >= this.#threshold;
  }

  /** Whether the source may go on. */
  get isHalfEmpty(): boolean {
    return this.#threshold !== undefined && this.length * 2 <= this.#threshold;
  }

  /** Takes `value` in as the policy says; the error that ends the stream if the policy is `error` and there is no room. */
  push(value: T): RuntimeError | undefined {
    if (this.#values.length < this.#capacity) {
      this.#values.push(value);
      return undefined;
    }
    if (this.#overflow === 'error') {
      return new RuntimeError(
        'mailbox_full',
        `the buffer of ${this.#capacity} values is full: its consumer is slower than its source. ` +
          'Give it more `capacity`, or choose an `overflow` that drops.',
      );
    }
    if (this.#overflow === 'dropNewest') {
      this.#drop(value);
    } else {
      const oldest = this.#values.shift() as T;
      this.#values.push(value);
      this.#drop(oldest);
    }
    return undefined;
  }

  /** Takes the oldest value out. Only when {@link PolicyBuffer.length} is not 0. */
  shift(): T {
    return this.#values.shift() as T;
  }

  clear(): void {
    this.#values.clear();
  }

  #drop(value: T): void {
    try {
      this.#onDrop?.(value);
    } catch (error) {
      // The source must not suffer from the consumer's callback.
      reportToHost(error);
    }
  }
}

function checkOverflow<V extends string>(overflow: V): V {
  if (overflow === 'error' || overflow === 'dropOldest' || overflow === 'dropNewest') return overflow;
  throw new RuntimeError(
    'invalid_argument',
    `Expected \`overflow\` to be 'error', 'dropOldest' or 'dropNewest', got ${overflow}.`,
  );
}
