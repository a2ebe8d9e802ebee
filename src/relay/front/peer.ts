import type { ConnectionCut } from '../relay-metrics.ts';

/** The connection that a call came on, as far as a session may touch it. */
export interface Peer {
  /** `192.0.2.7:49152`, for logs. */
  readonly address: string;
  /** Bytes that its connection has taken so far, on all its calls together. */
  readonly takenBytes: number;
  /** A client is served on the connection: it need not make room for others. The returned function, idempotent, ends that. */
  hold(): () => void;
  /**
   * Destroys the connection with all its calls and frees what waits to be written on it. For a peer that does not read:
   * the status of a call cannot reach it. Idempotent.
   */
  cut(reason: ConnectionCut): void;
}
