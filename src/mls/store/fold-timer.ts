import type { Clock } from '../../base/clock.ts';
import { toSkytaleError } from '../../base/errors.ts';
import type { SkytaleError } from '../../base/errors.ts';

/** The longest time between two attempts. */
const MAX_RETRY_MS = 60_000;

/** Options of {@link FoldTimer}. */
export interface FoldTimerOptions {
  readonly clock: Clock;
  readonly afterMs: number;
  /** Resolves when nothing is left to fold. */
  readonly fold: () => Promise<void>;
  /** Told of every attempt that failed: no caller waits for a fold in the background. */
  readonly onError: (error: SkytaleError) => void;
}

/**
 * Folds a channel some time after the first delta, whoever comes after it. An attempt that fails is made again after
 * twice the time, up to a minute; on a store that is damaged it is not.
 */
export class FoldTimer {
  readonly #options: FoldTimerOptions;
  #cancel: (() => void) | undefined;
  #failures = 0;

  constructor(options: FoldTimerOptions) {
    this.#options = options;
  }

  /** Makes sure that a fold comes. */
  arm(): void {
    const { clock, afterMs } = this.#options;
    this.#cancel ??= clock.schedule(Math.min(afterMs * 2 ** this.#failures, Math.max(afterMs, MAX_RETRY_MS)), () => {
      this.#cancel = undefined;
      void this.#fold();
    });
  }

  /** Nothing is left to fold, or nobody is left to do it. */
  cancel(): void {
    this.#cancel?.();
    this.#cancel = undefined;
  }

  async #fold(): Promise<void> {
    try {
      await this.#options.fold();
      this.#failures = 0;
    } catch (caught) {
      const error = toSkytaleError(caught);
      this.#failures += 1;
      if (error.code !== 'store_damaged' && error.code !== 'data_dir_version') this.arm();
      this.#options.onError(error);
    }
  }
}
