import type { Clock } from '../base/clock.ts';
import type { EngineHealth, LogEngine } from './engine/log-engine.ts';

/** For so long one answer of the engine serves all who ask, so that a flood of questions does not reach it. */
const FRESH_MS = 1_000;

/** Asks the engine how it is, once a second at most. */
export class HealthWatch {
  readonly #engine: LogEngine;
  readonly #clock: Clock;
  #answer: Promise<EngineHealth> | undefined;
  #askedAtMs = 0;

  constructor(engine: LogEngine, clock: Clock) {
    this.#engine = engine;
    this.#clock = clock;
  }

  /** How the engine is, or was less than a second ago. Never rejects. */
  health(): Promise<EngineHealth> {
    const nowMs = this.#clock.now();
    const isFresh = Math.abs(nowMs - this.#askedAtMs) < FRESH_MS; // also after the clock was put back
    if (this.#answer === undefined || !isFresh) {
      this.#askedAtMs = nowMs;
      this.#answer = this.#engine.health();
    }
    return this.#answer;
  }
}
