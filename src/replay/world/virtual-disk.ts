import type { KeyvStoreAdapter } from 'keyv';
import { RuntimeError } from '../../base/errors.ts';

/** What a disk holds at one moment. */
export type DiskImage = ReadonlyMap<string, string>;

/** An image with one record damaged: that with this index in the order of the keys, counted around. */
export function damagedImage(image: DiskImage, index: number): DiskImage {
  const keys = [...image.keys()].sort();
  const key = keys[index % keys.length];
  if (key === undefined) return image;
  const value = image.get(key) ?? '';
  const middle = value.length >> 1;
  const other = value[middle] === 'A' ? 'B' : 'A';
  return new Map(image).set(key, value.slice(0, middle) + other + value.slice(middle + 1));
}

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

  /** What a second process finds while a first one has it mounted: the lock of a data directory. */
  mountAgain(): KeyvStoreAdapter {
    const inUse = (): Promise<never> =>
      Promise.reject(new RuntimeError('data_dir_in_use', 'another process has this data directory open'));
    const adapter: KeyvStoreAdapter = {
      opts: undefined,
      on: () => adapter,
      ...{ get: inUse, getMany: inUse, set: inUse, delete: inUse, clear: inUse },
    };
    return adapter;
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
