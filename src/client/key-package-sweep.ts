import type { Clock } from '../base/clock.ts';
import { toSkytaleError } from '../base/errors.ts';
import { type AgentStore, type KeyPackageBundle, keyPackageExpiry } from '../mls/index.ts';

const DAY_MS = 24 * 60 * 60 * 1000;
/** A Welcome that was made in time may lie at the relay for as long. */
const GRACE_MS = 7 * DAY_MS;

/** What {@link KeyPackageSweep} works with. */
export interface KeyPackageSweepOptions {
  readonly store: AgentStore;
  readonly clock: Clock;
  /** Told of what could not be deleted. It is tried again the next day. */
  readonly warn: (warning: string) => void;
}

/**
 * Deletes key packages that nobody has used, once nobody can any more: a week after they have expired. Each holds a private
 * key that opens the Welcome for it, and would do so for as long as it is kept.
 */
export class KeyPackageSweep {
  readonly #options: KeyPackageSweepOptions;
  #cancel: (() => void) | undefined;
  #running: Promise<void> = Promise.resolve();
  #isStopped = false;

  constructor(options: KeyPackageSweepOptions) {
    this.#options = options;
  }

  /** Sweeps now, before anybody else uses the store, and then daily. Resolves when the first is done; never rejects. */
  start(): Promise<void> {
    return this.#run((bundle) => bundle === undefined);
  }

  /** Resolves when nothing of it uses the store any more. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#cancel?.();
    await this.#running;
  }

  /** @param isLeftOver whether a crash has left of it what is there; while others make key packages, none has */
  #run(isLeftOver: (bundle: KeyPackageBundle | undefined) => boolean): Promise<void> {
    this.#running = this.#sweep(isLeftOver).then(() => {
      if (!this.#isStopped) this.#cancel = this.#options.clock.schedule(DAY_MS, () => void this.#run(() => false));
    });
    return this.#running;
  }

  async #sweep(isLeftOver: (bundle: KeyPackageBundle | undefined) => boolean): Promise<void> {
    const { store, clock } = this.#options;
    await this.#trying(async () => {
      for (const ref of await store.keyPackageRefs()) {
        if (this.#isStopped) return;
        await this.#trying(async () => {
          const bundle = await store.loadKeyPackage(ref);
          const isOver = bundle !== undefined && keyPackageExpiry(bundle) + GRACE_MS < clock.now();
          if (isOver || isLeftOver(bundle)) await store.deleteKeyPackage(ref);
        });
      }
    });
  }

  async #trying(task: () => Promise<void>): Promise<void> {
    try {
      await task();
    } catch (error) {
      this.#options.warn(`a key package that has expired could not be deleted: ${toSkytaleError(error).message}`);
    }
  }
}
