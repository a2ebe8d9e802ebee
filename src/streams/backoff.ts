import { RuntimeError } from '../base/errors.ts';
import { checkInteger } from '../base/check.ts';
import type { Clock } from '../base/clock.ts';
import type { Random } from '../base/random.ts';

/** How long to wait between tries. */
export interface BackoffOptions {
  /** The shortest delay, in milliseconds, at least 1. Default 200. */
  readonly minMs?: number;
  /** The longest delay, in milliseconds, at least `minMs`. Default 10 000. */
  readonly maxMs?: number;
  /** By how much the delay grows from one try to the next, at least 1. Default 2. */
  readonly factor?: number;
  /** Width of the range from which a delay is drawn, as a share of it, from 0 to 1. Default 0.2. */
  readonly jitter?: number;
  /** How long a success must last, in milliseconds, until the delays start again at `minMs`. Default `(minMs + maxMs) / 2`. */
  readonly resetAfterMs?: number;
}

/** What {@link Backoff} needs from outside. */
export interface BackoffPorts {
  readonly clock: Pick<Clock, 'now'>;
  readonly random: Pick<Random, 'fraction'>;
}

/**
 * Delays between tries that grow from `minMs` to `maxMs`, spread by chance so that many clients do not come back at the
 * same moment, and never outside of these two.
 *
 * The delays start again only after a success that lasted `resetAfterMs`: a connection that comes up and breaks at once
 * keeps backing off.
 *
 * @throws {@link RuntimeError} `invalid_argument` if an option is out of range.
 *
 * @example
 * const backoff = new Backoff({ jitter: 0 }, { clock: systemClock, random: systemRandom });
 * assert.deepEqual([backoff.nextDelayMs(), backoff.nextDelayMs(), backoff.nextDelayMs()], [200, 400, 800]);
 */
export class Backoff {
  readonly #minMs: number;
  readonly #maxMs: number;
  readonly #factor: number;
  readonly #jitter: number;
  readonly #resetAfterMs: number;
  readonly #ports: BackoffPorts;
  #stepMs: number;
  #attempt = 0;
  #upSinceMs: number | undefined;

  constructor(options: BackoffOptions, ports: BackoffPorts) {
    this.#minMs = checkInteger('minMs', options.minMs ?? Math.min(200, options.maxMs ?? 200), 1);
    this.#maxMs = checkInteger('maxMs', options.maxMs ?? Math.max(10_000, this.#minMs), this.#minMs);
    this.#factor = checkNumber('factor', options.factor ?? 2, 1, Number.MAX_VALUE);
    this.#jitter = checkNumber('jitter', options.jitter ?? 0.2, 0, 1);
    const resetAfterMs = options.resetAfterMs ?? Math.round((this.#minMs + this.#maxMs) / 2);
    this.#resetAfterMs = checkInteger('resetAfterMs', resetAfterMs, 0);
    this.#ports = ports;
    this.#stepMs = this.#minMs;
  }

  /** How many delays were handed out since the start or the last reset. */
  get attempt(): number {
    return this.#attempt;
  }

  /** The time to wait before the next try, in whole milliseconds from `minMs` to `maxMs`. Counts as a failure. */
  nextDelayMs(): number {
    this.failed();
    const shortest = Math.max(this.#minMs, Math.min(this.#stepMs, this.#maxMs / (1 + this.#jitter)));
    const longest = Math.min(this.#maxMs, shortest * (1 + this.#jitter));
    const delayMs = Math.round(shortest + (longest - shortest) * this.#ports.random.fraction());
    this.#stepMs = Math.min(this.#maxMs, this.#stepMs * this.#factor);
    this.#attempt += 1;
    return delayMs;
  }

  /** Tells that a try worked. Until it fails, further calls change nothing. */
  succeeded(): void {
    this.#upSinceMs ??= this.#ports.clock.now();
  }

  /** Tells that it does not work, or no longer. Resets the delays if it had worked for long enough. */
  failed(): void {
    if (this.#upSinceMs !== undefined && this.#ports.clock.now() - this.#upSinceMs >= this.#resetAfterMs) {
      this.#stepMs = this.#minMs;
      this.#attempt = 0;
    }
    this.#upSinceMs = undefined;
  }
}

function checkNumber(name: string, value: number, min: number, max: number): number {
  if (Number.isFinite(value) && value >= min && value <= max) return value;
  const range = max === Number.MAX_VALUE ? `of at least ${min}` : `from ${min} to ${max}`;
  throw new RuntimeError('invalid_argument', `Expected \`${name}\` to be a number ${range}, got ${String(value)}.`);
}
