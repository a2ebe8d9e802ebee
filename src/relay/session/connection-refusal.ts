import type { RefusalReason } from '../../transport/index.ts';

/** Thrown while a frame is handled: the client broke a rule of the protocol, and its connection ends. */
export class ConnectionRefusal extends Error {
  readonly reason: RefusalReason;

  constructor(reason: RefusalReason, detail: string) {
    super(detail);
    this.reason = reason;
  }
}
