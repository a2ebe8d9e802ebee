/** A clock that is this much ahead of the time that has passed has jumped. Smaller steps are corrections. */
const JUMP_MS = 60 * 60 * 1000;
/** A relay may have been off for so long without anybody wondering. */
const OFF_MS = 24 * 60 * 60 * 1000;

/** What {@link RetentionClock.observe} thinks of the machine's clock. */
export type ClockVerdict = 'steady' | 'jumped' | 'waiting' | 'accepted';

/**
 * The time that retention goes by. It follows the machine's clock, but not at once where that jumps ahead: a wrong clock (a
 * bad time server, a machine restored from a snapshot) would have everything deleted within a minute. A jump of more than
 * an hour is believed when it has stood for `patienceMs`; until then time goes on from where it was. A clock that goes back
 * is followed: that deletes nothing.
 */
export class RetentionClock {
  readonly #patienceMs: number;
  #believedMs: number;
  #waitedMs: number | undefined;

  /**
   * @param clockMs what the machine's clock shows (Unix ms)
   * @param lastMs where retention stood when the relay ended last; more than a day before `clockMs` counts as a jump: whoever
   * was off as long as the relay is given the time to read what would be deleted
   */
  constructor(clockMs: number, lastMs: number | undefined, patienceMs: number) {
    this.#believedMs = lastMs === undefined || clockMs - lastMs <= OFF_MS ? clockMs : lastMs;
    this.#patienceMs = patienceMs;
  }

  /** The time by which retention may delete, Unix ms. */
  get nowMs(): number {
    return this.#believedMs;
  }

  /** Takes in what the machine's clock shows, `elapsedMs` after the last time. */
  observe(clockMs: number, elapsedMs: number): ClockVerdict {
    const expectedMs = this.#believedMs + elapsedMs;
    if (clockMs - expectedMs <= JUMP_MS) {
      this.#follow(clockMs);
      return 'steady';
    }
    this.#believedMs = expectedMs;
    if (this.#waitedMs === undefined) {
      this.#waitedMs = 0;
      return 'jumped';
    }
    this.#waitedMs += elapsedMs;
    if (this.#waitedMs < this.#patienceMs) return 'waiting';
    this.#follow(clockMs);
    return 'accepted';
  }

  #follow(clockMs: number): void {
    this.#believedMs = clockMs;
    this.#waitedMs = undefined;
  }
}
