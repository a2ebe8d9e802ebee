import { checkInteger } from '../base/check.ts';
import type { Clock } from '../base/clock.ts';

/** @internal Restarts in a window, if nothing else is said. */
export const DEFAULT_RESTARTS = 5;

/** How many restarts are allowed in which time, as in OTP: one more, and the supervisor gives up. */
export interface RestartBudget {
  /** At least 0. Default 5. */
  readonly restarts?: number;
  /** Milliseconds, at least 1. Default 30 000. */
  readonly withinMs?: number;
}

/** Counts restarts in a window that slides. */
export class RestartIntensity {
  readonly restarts: number;
  readonly withinMs: number;
  readonly #clock: Pick<Clock, 'now'>;
  #crashes: { readonly atMs: number; readonly error: unknown }[] = [];

  /** @throws {@link RuntimeError} `invalid_argument` if a number is out of range. */
  constructor({ restarts = DEFAULT_RESTARTS, withinMs = 30_000 }: RestartBudget, clock: Pick<Clock, 'now'>) {
    this.restarts = checkInteger('budget.restarts', restarts, 0);
    this.withinMs = checkInteger('budget.withinMs', withinMs, 1);
    this.#clock = clock;
  }

  /** Restarts that are left now. */
  get left(): number {
    this.#forget();
    return Math.max(0, this.restarts - this.#crashes.length);
  }

  /** The errors of the window, oldest first. */
  get errors(): readonly unknown[] {
    return this.#crashes.map(({ error }) => error);
  }

  /** Counts a crash; false if it is one too many. */
  allows(error: unknown): boolean {
    this.#forget();
    this.#crashes.push({ atMs: this.#clock.now(), error });
    return this.#crashes.length <= this.restarts;
  }

  #forget(): void {
    const since = this.#clock.now() - this.withinMs;
    const first = this.#crashes.findIndex(({ atMs }) => atMs > since);
    if (first !== 0) this.#crashes = first < 0 ? [] : this.#crashes.slice(first);
  }
}
