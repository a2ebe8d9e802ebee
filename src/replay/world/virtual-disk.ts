import type { KeyvStoreAdapter } from 'keyv';

/** What a disk holds at one moment. */
export type DiskImage = ReadonlyMap<string, string>;

/** What happens to a write. */
export type WriteOutcome =
  | { readonly kind: 'lands' }
  /** It fails with this error, `before` anything was written or `after` it has landed all the same. */
  | { readonly kind: 'fails'; readonly error: Error; readonly when: 'before' | 'after' };

/**
 * What an agent keeps between its lives, in memory. Each life mounts it anew; what an earlier mount still does has no effect,
 * as with a process that is gone. One `set` or `delete` is one write: a crash comes between two of them.
 */
export class VirtualDisk {
  #records = new Map<string, string>();
  #mounted: object | undefined;

  /** A copy of all that is there now. */
  image(): DiskImage {
    return new Map(this.#records);
  }

  /** Puts what an image holds in place of what is there. Only while nothing is mounted. */
  restore(image: DiskImage): void {
    this.#records = new Map(image);
  }

  /** Ends the life that has it mounted: what that still reads or writes never comes back. */
  eject(): void {
    this.#mounted = undefined;
  }

  /** A store for one life. `onWrite` decides on each write; it may eject the disk. */
  mount(onWrite: () => WriteOutcome): KeyvStoreAdapter {
    const life = {};
    this.#mounted = life;
    const isMounted = (): boolean => this.#mounted === life;
    const write = async (apply: () => void): Promise<boolean> => {
      if (!isMounted()) return forever();
      const outcome = onWrite();
      if (outcome.kind === 'lands' || outcome.when === 'after') apply();
      if (!isMounted()) return forever();
      await Promise.resolve();
      if (outcome.kind === 'fails') throw outcome.error;
      return true;
    };
    const read = async <T>(key: string): Promise<T | undefined> => {
      await Promise.resolve();
      return isMounted() ? (this.#records.get(key) as T | undefined) : forever();
    };
    const adapter: KeyvStoreAdapter = {
      opts: undefined,
      // Errors are told by the call that met them.
      on: () => adapter,
      get: read,
      getMany: (keys: string[]) => Promise.all(keys.map((key) => read(key))) as never,
      set: (key: string, value: unknown) => write(() => this.#records.set(key, value as string)),
      delete: (key: string) => write(() => this.#records.delete(key)),
      clear: () => Promise.reject(new Error('nobody clears a store that others may share')),
    };
    return adapter;
  }
}

function forever<T>(): Promise<T> {
  return new Promise(() => undefined);
}
