import { copyBytes, toHex } from '../base/bytes.ts';
import type { SkytaleError } from '../base/errors.ts';
import { onAbort } from '../streams/index.ts';
import type { WelcomeDelivery } from './relay-transport.ts';

interface Waiter {
  readonly resolve: (delivery: WelcomeDelivery) => void;
  readonly reject: (error: Error) => void;
}

interface AwaitedRef {
  readonly keyPackageRef: Uint8Array;
  readonly waiters: Set<Waiter>;
}

/** Who waits for which Welcome, across connections. */
export class WelcomeDesk {
  readonly #awaited = new Map<string, AwaitedRef>();

  /** The key packages that somebody waits for: what to ask for on a fresh connection. */
  get refs(): readonly Uint8Array[] {
    return [...this.#awaited.values()].map(({ keyPackageRef }) => keyPackageRef);
  }

  /** Waits for {@link WelcomeDesk.deliver}; rejects with the signal's reason, or the error of {@link WelcomeDesk.close}. */
  wait(keyPackageRef: Uint8Array, signal: AbortSignal | undefined): Promise<WelcomeDelivery> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) {
        reject(signal.reason as Error);
        return;
      }
      const key = toHex(keyPackageRef);
      const awaited = this.#awaited.get(key) ?? { keyPackageRef: copyBytes(keyPackageRef), waiters: new Set() };
      this.#awaited.set(key, awaited);

      const settled = (): void => {
        forgetSignal?.();
        awaited.waiters.delete(waiter);
        if (awaited.waiters.size === 0 && this.#awaited.get(key) === awaited) this.#awaited.delete(key);
      };
      const waiter: Waiter = {
        resolve: (delivery) => {
          settled();
          resolve(delivery);
        },
        reject: (error) => {
          settled();
          reject(error);
        },
      };
      awaited.waiters.add(waiter);
      const forgetSignal = signal && onAbort(signal, () => waiter.reject(signal.reason as Error));
    });
  }

  /** Hands a Welcome to all who wait for it; nothing happens if nobody does any more. */
  deliver(keyPackageRef: Uint8Array, delivery: WelcomeDelivery): void {
    for (const waiter of [...(this.#awaited.get(toHex(keyPackageRef))?.waiters ?? [])]) waiter.resolve(delivery);
  }

  /** There will be no such Welcome: rejects all who wait for it. */
  refuse(keyPackageRef: Uint8Array, error: SkytaleError): void {
    for (const waiter of [...(this.#awaited.get(toHex(keyPackageRef))?.waiters ?? [])]) waiter.reject(error);
  }

  /** Rejects all who wait. */
  close(error: SkytaleError): void {
    for (const { waiters } of [...this.#awaited.values()]) {
      for (const waiter of [...waiters]) waiter.reject(error);
    }
  }
}
