import type { Clock } from '../../base/clock.ts';
import type { Random } from '../../base/random.ts';

/** Members choose a moment of their own within this time, at most. */
const MAX_SPREAD_MS = 200;
/** By how much each member widens it. */
const SPREAD_PER_MEMBER_MS = 2;
/** How long those that come behind somebody are gathered, at least and at most. */
const MIN_GATHERING_MS = 60;
const MAX_GATHERING_MS = 400;

/**
 * When to look for requests after a notice. Members do not all look at one moment; who comes alone waits for nobody, and when
 * many come at once each look waits longer than the one before, so that a few commits bring in all of them.
 */
export class JoinPace {
  readonly #ports: { readonly clock: Pick<Clock, 'now'>; readonly random: Pick<Random, 'fraction'> };
  #lastFoundAtMs = -Infinity;
  #gatheringMs = MIN_GATHERING_MS;

  constructor(ports: { readonly clock: Pick<Clock, 'now'>; readonly random: Pick<Random, 'fraction'> }) {
    this.#ports = ports;
  }

  /** How long to wait from now. */
  delayMs(members: number): number {
    const { clock, random } = this.#ports;
    const spreadMs = random.fraction() * Math.min(MAX_SPREAD_MS, members * SPREAD_PER_MEMBER_MS);
    return Math.max(spreadMs, this.#lastFoundAtMs + this.#gatheringMs - clock.now());
  }

  /** A look has found so many. */
  found(requests: number): void {
    if (requests === 0) return;
    const nowMs = this.#ports.clock.now();
    const isBurst = requests > 1 && nowMs - this.#lastFoundAtMs < 2 * MAX_GATHERING_MS;
    this.#gatheringMs = isBurst ? Math.min(2 * this.#gatheringMs, MAX_GATHERING_MS) : MIN_GATHERING_MS;
    this.#lastFoundAtMs = nowMs;
  }
}
