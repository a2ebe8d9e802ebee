import type { RefusalReason } from '../transport/index.ts';

/**
 * Where the relay counts what happens. Labels are reasons from fixed lists, never a channel, an account or an address.
 * What is a state and no event (connections, bytes held) is read from the relay's load instead.
 */
export interface RelayMetrics {
  /** A connection was let in. */
  connectionOpened(): void;
  /** A connection was turned away or cut off by the relay. */
  connectionCut(reason: ConnectionCut): void;
  /** Entries were stored, after so many seconds from their arrival. */
  stored(entries: number, bytes: number, seconds: number): void;
  /** A submission, subscription or connection was refused. */
  refused(reason: RefusalReason): void;
  /** Entries were handed to a connection. */
  delivered(entries: number, bytes: number): void;
  /** Retention took entries. */
  trimmed(entries: number): void;
}

/** Why a connection was turned away or cut off. */
export type ConnectionCut =
  | 'too-many'
  | 'slow-handshake'
  | 'idle'
  | 'stuck-reader'
  | 'flood'
  | 'bad-input'
  | 'drain-timeout';

const ignore = (): void => undefined;

/** Counts nothing. */
export const noMetrics: RelayMetrics = {
  connectionOpened: ignore,
  connectionCut: ignore,
  stored: ignore,
  refused: ignore,
  delivered: ignore,
  trimmed: ignore,
};
