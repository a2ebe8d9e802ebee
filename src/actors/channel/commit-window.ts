import type { Clock } from '../../base/clock.ts';
import type { CommitRequest } from './commit-request.ts';

/**
 * A time for changes of the membership to come together in: from the first that could wait until `lengthMs` later, however
 * many follow. Everything else goes at once and takes along what waits.
 */
export class CommitWindow {
  readonly #lengthMs: number;
  readonly #clock: Clock;
  readonly #onClose: () => void;
  #cancel: (() => void) | undefined;
  #isOver = false;

  /**
   * @param lengthMs 0 for none
   * @param onClose called when the time is up
   */
  constructor(lengthMs: number, clock: Clock, onClose: () => void) {
    this.#lengthMs = lengthMs;
    this.#clock = clock;
    this.#onClose = onClose;
  }

  /** Whether requests like these have to wait now. */
  holds(requests: readonly CommitRequest[]): boolean {
    return this.#cancel !== undefined && requests.every(canWait);
  }

  /** Opens with a request that can wait, unless it is open. */
  openFor(request: CommitRequest): void {
    if (this.#lengthMs === 0 || this.#isOver || !canWait(request)) return;
    this.#cancel ??= this.#clock.schedule(this.#lengthMs, () => {
      this.#cancel = undefined;
      this.#onClose();
    });
  }

  /** Closes before its time: what waits goes now. */
  close(): void {
    this.#cancel?.();
    this.#cancel = undefined;
  }

  /** Closes for good: nothing waits any more. */
  end(): void {
    this.#isOver = true;
    this.close();
  }
}

/** Whether it is about members and nothing else, wanted at any time, and has not been tried already. */
function canWait({ change, onlyInEpoch, isAlone }: CommitRequest): boolean {
  const { add = [], remove = [], replace = [], rotate = false, extensions } = change;
  const isAboutMembers = add.length + remove.length + replace.length > 0 && !rotate && extensions === undefined;
  return isAboutMembers && onlyInEpoch === undefined && isAlone !== true;
}
