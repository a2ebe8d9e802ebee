import type { Clock } from '../../base/clock.ts';

/** When a {@link Liveness} speaks up, in milliseconds of silence, and how. */
export interface LivenessOptions {
  readonly clock: Clock;
  readonly pingAfterMs: number;
  readonly lostAfterMs: number;
  /** Called at every `pingAfterMs` of silence. */
  ping(): void;
  /** Called once. */
  lost(): void;
}

/** Ticks in `pingAfterMs`, so silence is measured with an error of at most that fraction. */
const TICKS_PER_PING = 5;

/**
 * Watches whether the peer gives any sign of life, pings it when it is silent, and tells when it is lost.
 *
 * It counts ticks and never reads the time of day: a stepped clock or a suspended machine is no silence of the peer.
 */
export class Liveness {
  readonly #options: LivenessOptions;
  readonly #ticksToLost: number;
  #silentTicks = 0;
  #cancelTick: () => void;

  constructor(options: LivenessOptions) {
    this.#options = options;
    this.#ticksToLost = Math.ceil(options.lostAfterMs / this.#tickMs);
    this.#cancelTick = options.clock.schedule(this.#tickMs, () => this.#tick());
  }

  /** The peer has sent something. Cheap: called for every frame. */
  heard(): void {
    this.#silentTicks = 0;
  }

  stop(): void {
    this.#cancelTick();
  }

  get #tickMs(): number {
    return this.#options.pingAfterMs / TICKS_PER_PING;
  }

  #tick(): void {
    this.#silentTicks += 1;
    if (this.#silentTicks >= this.#ticksToLost) {
      this.#options.lost();
      return;
    }
    this.#cancelTick = this.#options.clock.schedule(this.#tickMs, () => this.#tick());
    if (this.#silentTicks % TICKS_PER_PING === 0) this.#options.ping();
  }
}
