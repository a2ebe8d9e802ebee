import { onAbort } from '../streams/index.ts';

/** Someone who waits with a message for room in a lane. */
export interface Guest<T> {
  readonly message: T;
  readonly bytes: number;
}

interface Seat<T> extends Guest<T> {
  readonly signal: AbortSignal | undefined;
  readonly admit: () => void;
  readonly refuse: (error: Error) => void;
}

/** Those who wait until a full lane has room, in the order in which they came. Every wait settles. */
export class WaitingRoom<T> {
  /** A set, because a wait may be given up in the middle; it keeps the order. */
  readonly #seats = new Set<Seat<T>>();

  get size(): number {
    return this.#seats.size;
  }

  /**
   * Waits behind the others.
   *
   * @param onLeave Called after `signal` has ended the wait: someone smaller may be the first now.
   * @throws the signal's reason, or the error of {@link WaitingRoom.refuseAll}.
   */
  wait(guest: Guest<T>, signal: AbortSignal | undefined, onLeave: () => void): Promise<void> {
    return new Promise((resolve, reject) => {
      let ignoreSignal = (): void => undefined;
      const seat: Seat<T> = {
        ...guest,
        signal,
        admit: () => {
          ignoreSignal();
          resolve();
        },
        refuse: (error) => {
          ignoreSignal();
          reject(error);
        },
      };
      this.#seats.add(seat);
      if (signal === undefined) return;
      ignoreSignal = onAbort(signal, () => {
        this.#seats.delete(seat);
        reject(signal.reason as Error);
        onLeave();
      });
    });
  }

  /** Offers each, in order, to `admit`, up to the first that it answers with false; the admitted are done waiting. */
  admitWhile(admit: (guest: Guest<T>) => boolean): void {
    for (const seat of this.#seats) {
      // Its own callback is about to remove it: one signal may end several waits, one after the other.
      if (seat.signal?.aborted) continue;
      if (!admit(seat)) return;
      this.#seats.delete(seat);
      seat.admit();
    }
  }

  /** Ends all waits with an error of their own each. */
  refuseAll(createError: () => Error): void {
    for (const seat of this.#seats) {
      this.#seats.delete(seat);
      seat.refuse(createError());
    }
  }
}
