import { checkInteger } from '../../base/check.ts';
import { RuntimeError } from '../../base/errors.ts';

/** What becomes of messages that nobody receives, when the buffer is full. */
export type ReceiveOverflow = 'wait' | 'drop-oldest';

/** How many messages of a channel may wait for `receive`, and what then. */
export interface ReceiveBufferOptions {
  /** 1 to 500. Default 500. */
  readonly capacity?: number;
  /**
   * `wait` (default): the channel reads no further, so nothing is lost; as changes of the group wait as well, whoever only
   * sends for long wants the other. `drop-oldest`: the oldest are given up. Either is told on `faults$`.
   */
  readonly overflow?: ReceiveOverflow;
}

const MAX_CAPACITY = 500;
/** What the delivery journal holds at most: at that the channel reads no further. */
const JOURNAL_BYTES = 8 * 1024 * 1024;

/**
 * The options with their defaults.
 *
 * @throws {@link RuntimeError} `invalid_argument`
 */
export function checkReceiveBuffer({
  capacity = MAX_CAPACITY,
  overflow = 'wait',
}: ReceiveBufferOptions): Required<ReceiveBufferOptions> {
  checkInteger('receiveBuffer.capacity', capacity, 1, MAX_CAPACITY);
  if (overflow === 'wait' || (overflow as unknown) === 'drop-oldest') return { capacity, overflow };
  throw new RuntimeError('invalid_argument', 'Expected `receiveBuffer.overflow` to be wait or drop-oldest.');
}

/** A message on its way to `receive`. `settle` tells the journal: `handled`, or to be delivered to the next consumer. */
export interface Delivery<T> {
  readonly value: T;
  readonly seq: number;
  readonly bytes: number;
  readonly settle: (outcome: 'handled' | 'unhandled') => void;
}

/** Deliveries that were given up. */
export interface Dropped {
  readonly fromSeq: number;
  readonly toSeq: number;
  readonly messages: number;
}

/**
 * Messages between a durable consumer and calls of `receive`. What a call has taken is settled when the next call is made:
 * until then it is being worked on, and comes again after a crash.
 */
export class ReceiveBuffer<T> {
  readonly #capacity: number;
  readonly #overflow: ReceiveOverflow;
  #waiting: Delivery<T>[] = [];
  #taken: Delivery<T>[] = [];
  #isToldFull = false;

  /** @throws {@link RuntimeError} `invalid_argument` */
  constructor(options: ReceiveBufferOptions) {
    const { capacity, overflow } = checkReceiveBuffer(options);
    this.#capacity = capacity;
    this.#overflow = overflow;
  }

  /** Messages that the consumer may have in hand at once: those that wait, those that were taken, and one that may push out another. */
  get width(): number {
    return this.#overflow === 'wait' ? this.#capacity : 2 * this.#capacity + 1;
  }

  get isEmpty(): boolean {
    return this.#waiting.length === 0;
  }

  get waiting(): number {
    return this.#waiting.length;
  }

  /** Adds the latest. Returns what had to go for it, and tells once when it has become full. */
  push(delivery: Delivery<T>): { readonly dropped: Dropped | undefined; readonly isNowFull: boolean } {
    this.#waiting.push(delivery);
    if (this.#overflow === 'drop-oldest') return { dropped: this.#dropOldest(), isNowFull: false };
    const held = [...this.#waiting, ...this.#taken];
    const isFull = held.length >= this.#capacity || bytesOf(held) >= JOURNAL_BYTES;
    const isNowFull = isFull && !this.#isToldFull;
    this.#isToldFull = isFull;
    return { dropped: undefined, isNowFull };
  }

  /** The consumer ends: what was taken counts as handled, what waits does not. */
  withdraw(delivery: Delivery<T>): void {
    delivery.settle(this.#taken.includes(delivery) ? 'handled' : 'unhandled');
    this.#waiting = this.#waiting.filter((other) => other !== delivery);
    this.#taken = this.#taken.filter((other) => other !== delivery);
  }

  /** All that waits, in order. It is being worked on from now on. */
  take(): readonly T[] {
    const taken = this.#waiting;
    this.#waiting = [];
    this.#taken.push(...taken);
    return taken.map(({ value }) => value);
  }

  /** What was taken is dealt with. */
  settleTaken(): void {
    this.#isToldFull = false;
    for (const delivery of this.#taken.splice(0)) delivery.settle('handled');
  }

  /** Nobody will take what waits. */
  giveUp(): Dropped | undefined {
    return settleAll(this.#waiting.splice(0));
  }

  #dropOldest(): Dropped | undefined {
    let bytes = bytesOf(this.#waiting);
    const dropped: Delivery<T>[] = [];
    // Half of the journal is for what was taken. The latest stays, however large it is.
    while (this.#waiting.length > 1 && (this.#waiting.length > this.#capacity || bytes > JOURNAL_BYTES / 2)) {
      const [oldest] = this.#waiting.splice(0, 1);
      if (oldest === undefined) break;
      bytes -= oldest.bytes;
      dropped.push(oldest);
    }
    return settleAll(dropped);
  }
}

function settleAll<T>(deliveries: readonly Delivery<T>[]): Dropped | undefined {
  for (const delivery of deliveries) delivery.settle('handled');
  const [first] = deliveries;
  const last = deliveries.at(-1);
  if (first === undefined || last === undefined) return undefined;
  return { fromSeq: first.seq, toSeq: last.seq, messages: deliveries.length };
}

function bytesOf(deliveries: readonly { readonly bytes: number }[]): number {
  return deliveries.reduce((sum, { bytes }) => sum + bytes, 0);
}
