import type { Clock } from '../../base/clock.ts';
import { AuthError } from '../../base/errors.ts';
import type { Random } from '../../base/random.ts';
import { Backoff } from '../../streams/index.ts';

/** What a {@link TokenRenewal} works with. */
export interface TokenRenewalOptions {
  readonly clock: Clock;
  readonly random: Random;
  /** Asks for a fresh token. */
  readonly ask: () => Promise<string | undefined>;
  /** Presents a token on the open stream. */
  readonly present: (token: string) => void;
}

/** The share of its life after which a token is renewed, at the latest and at the earliest: many do not ask at once. */
const RENEWED_AFTER = { latest: 0.8, earliest: 0.7 };
/** A token with less left is not renewed: whoever hands it out again and again has no better one. */
const MIN_LIFE_MS = 200;
/** Longer timers fire at once. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/**
 * Renews the token of one connection before it ends. Where that fails the connection lives on until its token ends, and the
 * next one asks again.
 */
export class TokenRenewal {
  readonly #options: TokenRenewalOptions;
  #backoff: Backoff;
  #endsAtMs = 0;
  #isRefused = false;
  #isStopped = false;
  #cancelTimer: () => void = () => undefined;

  constructor(options: TokenRenewalOptions) {
    this.#options = options;
    this.#backoff = new Backoff({}, options);
  }

  /** The relay has taken a token that is good for `lifeMs` from now. */
  accepted(lifeMs: number): void {
    this.#cancelTimer();
    if (this.#isStopped || lifeMs < MIN_LIFE_MS) return;
    const { clock, random } = this.#options;
    this.#isRefused = false;
    this.#backoff = new Backoff({}, this.#options);
    this.#endsAtMs = clock.now() + lifeMs;
    const { latest, earliest } = RENEWED_AFTER;
    this.#renewIn(lifeMs * (latest - (latest - earliest) * random.fraction()));
  }

  /** The relay has not taken the token. One more is tried: this one may have ended while it was on its way. */
  refused(): void {
    if (this.#isRefused || this.#isStopped) return;
    this.#isRefused = true;
    void this.#renew();
  }

  stop(): void {
    this.#isStopped = true;
    this.#cancelTimer();
  }

  #renewIn(delayMs: number): void {
    this.#cancelTimer = this.#options.clock.schedule(Math.min(delayMs, MAX_TIMER_MS), () => void this.#renew());
  }

  async #renew(): Promise<void> {
    const { clock, ask, present } = this.#options;
    try {
      const token = await ask();
      if (token !== undefined && !this.#isStopped) present(token);
    } catch (error) {
      // The account gets no token any more. What is told of that is the end of the connection, when its own token ends.
      if (this.#isStopped || error instanceof AuthError) return;
      const retryInMs = this.#backoff.nextDelayMs();
      if (clock.now() + retryInMs < this.#endsAtMs) this.#renewIn(retryInMs);
    }
  }
}
