/** Somebody who waits for a Welcome. */
export type WelcomeWatcher = () => void;

/**
 * Those who wait for the Welcome of one key package, in the order in which they came. Only the first one looks for it before it
 * is told that there is one: so nobody who has come later is handed it between its being stored and the others' being told.
 */
export class WelcomeLine {
  readonly #watchers = new Set<WelcomeWatcher>();

  /** How many there are. */
  get size(): number {
    return this.#watchers.size;
  }

  /** Stands in line; the first one is called at once. */
  add(watcher: WelcomeWatcher): void {
    this.#watchers.add(watcher);
    if (this.#watchers.size === 1) watcher();
  }

  /** Leaves. Behind the first one the next one is called, for what the first may have found or missed. */
  delete(watcher: WelcomeWatcher): boolean {
    const [first] = this.#watchers;
    const wasThere = this.#watchers.delete(watcher);
    const [next] = this.#watchers;
    if (wasThere && first === watcher) next?.();
    return wasThere;
  }

  /** A Welcome was stored: calls all, in their order. */
  tell(): void {
    for (const watcher of [...this.#watchers]) watcher();
  }
}
