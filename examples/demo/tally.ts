import { Subject, type Observable } from 'rxjs';
import type { Channel, ChannelFault } from '../../src/index.ts';

/** Counts what happens on a channel beside its messages. Watches it from before the flow starts. */
export class Tally {
  readonly #changes$ = new Subject<void>();
  #channel$: Channel | undefined;
  #connects = 0;
  sent = 0;
  gaps = 0;
  decryptFailures = 0;
  otherFaults = 0;
  #lastFault: string | undefined;

  /** After each change. Hot, no replay. */
  get changes$(): Observable<void> {
    return this.#changes$;
  }

  /** How the channel is, in words. */
  get status(): string {
    if (this.#channel$ === undefined) return 'not in the channel yet';
    const { status, cause } = this.#channel$.state$.value;
    const why = cause === undefined ? '' : ` (${cause.message})`;
    return `channel ${status}${why}${this.#lastFault === undefined ? '' : `, last fault: ${this.#lastFault}`}`;
  }

  get reconnects(): number {
    return Math.max(0, this.#connects - 1);
  }

  watch(channel$: Channel): void {
    this.#channel$ = channel$;
    channel$.faults$.subscribe((fault) => {
      this.#count(fault);
      this.#changes$.next();
    });
    channel$.status$.subscribe((status) => {
      // Every connection begins with reading what the log has.
      if (status === 'catching-up') this.#connects += 1;
      this.#changes$.next();
    });
  }

  /** Something was handed to `send`. */
  countSent(): void {
    this.sent += 1;
    this.#changes$.next();
  }

  #count(fault: ChannelFault): void {
    const { kind } = fault;
    this.#lastFault = 'error' in fault ? `${kind}: ${fault.error.message}` : kind;
    if (kind === 'gap' || kind === 'unread') this.gaps += 1;
    else if (kind === 'undecryptable' || kind === 'stale') this.decryptFailures += 1;
    else this.otherFaults += 1;
  }
}
