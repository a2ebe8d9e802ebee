import { type Clock, sleepUnlessAborted } from '../../base/clock.ts';
import { ChannelError, type SkytaleError, toSkytaleError } from '../../base/errors.ts';
import type { Random } from '../../base/random.ts';
import { Backoff } from '../../streams/index.ts';
import type { Admission, ControlPlane } from '../../transport/index.ts';

/** The longest wait between two tries. */
const MAX_WAIT_MS = 60_000;

/**
 * Reports of who is in, each sent until it is heard or there is nothing to report any more. One that the process takes with it
 * when it ends is made by whoever sees the request the next time.
 */
export class AdmissionReports {
  readonly #ports: { readonly clock: Clock; readonly random: Random };
  readonly #signal: AbortSignal;
  readonly #onTrouble: (error: SkytaleError) => void;
  readonly #underWay = new Set<string>();

  /** @param signal ends all tries */
  constructor(
    ports: { readonly clock: Clock; readonly random: Random },
    signal: AbortSignal,
    onTrouble: (error: SkytaleError) => void,
  ) {
    this.#ports = ports;
    this.#signal = signal;
    this.#onTrouble = onTrouble;
  }

  /** Whether a report of this request is under way. */
  has(requestId: string): boolean {
    return this.#underWay.has(requestId);
  }

  /** Sends a report. Not a second one beside one that is under way. */
  send(controlPlane: ControlPlane, requestId: string, { epoch, seq }: Admission): void {
    if (this.#underWay.has(requestId)) return;
    this.#underWay.add(requestId);
    void this.#send(controlPlane, requestId, { epoch, seq }).finally(() => this.#underWay.delete(requestId));
  }

  async #send(controlPlane: ControlPlane, requestId: string, admission: Admission): Promise<void> {
    const backoff = new Backoff({ minMs: 1_000, maxMs: MAX_WAIT_MS }, this.#ports);
    do {
      try {
        await controlPlane.admit(requestId, admission, this.#signal);
        return;
      } catch (error) {
        // The request has ended in the meantime. Who was admitted is a member all the same.
        if (this.#signal.aborted || error instanceof ChannelError) return;
        this.#onTrouble(toSkytaleError(error));
      }
    } while (await sleepUnlessAborted(this.#ports.clock, backoff.nextDelayMs(), this.#signal));
  }
}
