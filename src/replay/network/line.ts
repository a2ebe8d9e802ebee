import { type SkytaleError, toSkytaleError } from '../../base/errors.ts';
import type { RelayTransport } from '../../transport/index.ts';
import type { Pipe } from './pipe.ts';

/** One connection of a client to a relay, from its beginning to its loss. */
export class Line {
  /** The relay's end. */
  readonly relay: RelayTransport;
  readonly up: Pipe;
  readonly down: Pipe;
  readonly #onCut = new Set<(cause: SkytaleError) => void>();
  #cause: SkytaleError | undefined;

  constructor(relay: RelayTransport, up: Pipe, down: Pipe) {
    this.relay = relay;
    this.up = up;
    this.down = down;
  }

  get isAlive(): boolean {
    return this.#cause === undefined;
  }

  /** Nothing passes either way from now on, and nobody is told. */
  freeze(): void {
    this.up.hold();
    this.down.hold();
  }

  /** Ends it: what is under way is lost, and who waits for an answer hears that. */
  cut(cause: SkytaleError): void {
    if (this.#cause !== undefined) return;
    this.#cause = cause;
    this.up.close();
    this.down.close();
    // Its own end of this connection: closing it waits for nothing.
    void this.relay.close();
    for (const tell of [...this.#onCut]) tell(cause);
    this.#onCut.clear();
  }

  /** Asks the relay and waits for its answer. Rejects with the cause if the connection is lost before. */
  ask<T>(call: () => Promise<T>, delays: { readonly upMs?: number; readonly asideMs?: number } = {}): Promise<T> {
    return new Promise((resolve, reject) => {
      if (this.#cause !== undefined) {
        reject(this.#cause);
        return;
      }
      this.#onCut.add(reject);
      const answer = (settle: () => void): void => {
        const arrive = (): void => {
          this.#onCut.delete(reject);
          settle();
        };
        if (delays.asideMs === undefined) this.down.send(arrive);
        else this.down.sendAside(arrive, delays.asideMs);
      };
      this.up.send(() => {
        call().then(
          (value) => answer(() => resolve(value)),
          (error: unknown) => answer(() => reject(toSkytaleError(error))),
        );
      }, delays.upMs);
    });
  }
}
