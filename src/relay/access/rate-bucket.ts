/** Share of the burst that commits may draw beyond what is there. */
const COMMIT_SHARE = 0.1;
/** What sums of fractions may be off by: without it, who waits as long as it was told may come a moment too early. */
const ROUNDING = 1e-6;

/**
 * A token bucket over the wall clock: `burst` at once, `perSecond` in the mean.
 *
 * Commits draw from it like messages, and may overdraw it by a tenth of the burst: who has used up its rate with messages
 * can still remove a member, and pays for it with later messages.
 */
export class RateBucket {
  readonly #perMs: number;
  readonly #burst: number;
  readonly #overdraft: number;
  #level: number;
  #atMs: number;

  /** Full at the start. */
  constructor(perSecond: number, burst: number, nowMs: number) {
    this.#perMs = perSecond / 1000;
    this.#burst = burst;
    this.#overdraft = Math.max(1, Math.floor(burst * COMMIT_SHARE));
    this.#level = burst;
    this.#atMs = nowMs;
  }

  /** What flowed in since. A clock that was put back gives nothing, and one that was put forward no more than a burst. */
  refill(nowMs: number): void {
    const passedMs = nowMs - this.#atMs;
    this.#atMs = nowMs;
    if (passedMs > 0) this.#level = Math.min(this.#burst, this.#level + passedMs * this.#perMs);
  }

  /** Whether there is enough for so many messages, as of the last refill. */
  holds(messages: number): boolean {
    return this.#level + ROUNDING >= messages;
  }

  /** Whether a commit may go, as of the last refill. */
  get holdsCommit(): boolean {
    return this.#level - 1 + ROUNDING >= -this.#overdraft;
  }

  /** Takes for so many messages and commits. Ask first. */
  take(count: number): void {
    this.#level -= count;
  }

  /** Whether it is as good as a new one, as of the last refill. */
  get isFull(): boolean {
    return this.#level + ROUNDING >= this.#burst;
  }

  /** How long until there is enough for `messages` (at most a burst), in whole ms. */
  msUntil(messages: number): number {
    const missing = Math.min(messages, this.#burst) - this.#level - ROUNDING;
    return missing <= 0 ? 0 : Math.ceil(missing / this.#perMs);
  }
}
