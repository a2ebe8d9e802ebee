import type { Clock } from '../../base/clock.ts';
import type { Random } from '../../base/random.ts';
import { Backoff } from '../../streams/index.ts';
import type { RelayAddress } from './options.ts';

/** How a connection, or the attempt to make one, has ended, as far as it matters to the next. */
export type ConnectionEnd =
  /** Broken, or never made. */
  | 'lost'
  /** The relay goes away and asks its clients to go elsewhere. */
  | 'draining'
  /** The relay does not take the token, or not any more. */
  | 'unauthenticated';

/** What {@link Reconnects} needs of the transport's settings. */
export interface ReconnectSettings {
  readonly relays: readonly RelayAddress[];
  readonly minReconnectDelayMs: number;
  readonly maxReconnectDelayMs: number;
  readonly reconnectResetAfterMs: number;
  readonly clock: Clock;
  readonly random: Random;
}

/** A connection that has lasted as long says that the relay works, and that its loss is news. */
const GOOD_MS = 1_000;
/** For this long after a good connection was lost, waits stay short: most outages are restarts. */
const BRISK_FOR_MS = 30_000;
const BRISK_MS = { min: 1_000, max: 1_500 };

/**
 * Which relay to try next, and when: one after the other from a random start, with growing waits.
 *
 * For half a minute after a connection was lost that had worked, the waits are 1.5 s at the most: whoever used a relay that is
 * started anew is back within two seconds. Relays that throw out whom they have just let in do not count as working.
 *
 * A relay that drains is left at once, for each of the others once; a token that has ended is replaced at once, once. Only a
 * connection that lasted gives these passes back: relays that greet and throw out in turn are met with growing waits.
 */
export class Reconnects {
  readonly #settings: ReconnectSettings;
  readonly #backoff: Backoff;
  #index: number;
  #upSinceMs: number | undefined;
  #briskUntilMs = Number.NEGATIVE_INFINITY;
  #passes: Record<ConnectionEnd, number>;

  constructor(settings: ReconnectSettings) {
    const { relays, random } = settings;
    this.#settings = settings;
    this.#backoff = new Backoff(
      {
        minMs: settings.minReconnectDelayMs,
        maxMs: settings.maxReconnectDelayMs,
        resetAfterMs: settings.reconnectResetAfterMs,
        jitter: 0.5,
      },
      settings,
    );
    this.#index = relays.length === 1 ? 0 : Math.floor(random.fraction() * relays.length);
    this.#passes = this.#allPasses();
  }

  /** The one to try now. */
  get relay(): RelayAddress {
    const { relays } = this.#settings;
    return relays[this.#index % relays.length] as RelayAddress;
  }

  /** There is a connection. */
  succeeded(): void {
    this.#upSinceMs = this.#settings.clock.now();
    this.#backoff.succeeded();
  }

  /** Moves on after the end of a connection, or of an attempt. Returns how long to wait, in milliseconds. */
  ended(end: ConnectionEnd): number {
    const { clock, reconnectResetAfterMs } = this.#settings;
    const lastedMs = this.#upSinceMs === undefined ? -1 : clock.now() - this.#upSinceMs;
    if (lastedMs >= reconnectResetAfterMs) this.#passes = this.#allPasses();
    if (lastedMs >= GOOD_MS) this.#briskUntilMs = clock.now() + BRISK_FOR_MS;
    this.#upSinceMs = undefined;
    // Where the token was the trouble, the relay was not.
    if (end !== 'unauthenticated') this.#index += 1;
    if (this.#passes[end] === 0) return this.#nextDelayMs();
    this.#passes[end] -= 1;
    this.#backoff.failed();
    return 0;
  }

  #nextDelayMs(): number {
    const delayMs = this.#backoff.nextDelayMs();
    const { clock, random } = this.#settings;
    // A clock that was set back must not keep us at it for hours.
    const isBrisk = clock.now() < this.#briskUntilMs && this.#briskUntilMs - clock.now() <= BRISK_FOR_MS;
    if (!isBrisk || delayMs <= BRISK_MS.max) return delayMs;
    return Math.round(BRISK_MS.min + (BRISK_MS.max - BRISK_MS.min) * random.fraction());
  }

  #allPasses(): Record<ConnectionEnd, number> {
    return { lost: 0, draining: this.#settings.relays.length - 1, unauthenticated: 1 };
  }
}
