import type { Subscription } from 'rxjs';
import { type SkytaleError, toSkytaleError, TransportError } from '../base/errors.ts';
import type { RelayTransport } from '../transport/index.ts';

/** Watches why there is no connection to the relay, for somebody who waits in vain: what may pass ends no wait. */
export class RelayTrouble {
  #cause: SkytaleError | undefined;
  readonly #subscription: Subscription;

  constructor(status$: RelayTransport['status$']) {
    this.#subscription = status$.subscribe({
      next: (status) => {
        if (status.kind === 'online') this.#cause = undefined;
        // While it tries again, the last attempt tells why it has to.
        if (status.kind === 'offline' || status.kind === 'refused') this.#cause = status.cause;
      },
      error: (error: unknown) => (this.#cause = toSkytaleError(error)),
    });
  }

  /** A `join_timeout` that also says what keeps the relay away, if anything does. */
  timeout(detail: string): TransportError {
    const cause = this.#cause;
    if (cause === undefined) return new TransportError('join_timeout', detail);
    return new TransportError('join_timeout', `${detail}; there is no connection to the relay: ${cause.message}`, {
      cause,
    });
  }

  stop(): void {
    this.#subscription.unsubscribe();
  }
}
