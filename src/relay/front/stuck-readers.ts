import type { Clock } from '../../base/clock.ts';

/** Somebody who is sent things. */
export interface Reader {
  /** What waits for the peer to take it, in bytes. */
  readonly unreadBytes: number;
  /** What the peer's connection has taken so far, in bytes, on all its calls together. */
  readonly takenBytes: number;
  /** Ends it without its help. */
  cut(): void;
}

/** So many looks in the time that a peer has to take something. */
const LOOKS = 4;
/** Less than this in all that time is no reading: answers to pings of HTTP/2 go out also to somebody who is stuck. */
const LEAST_BYTES = 1024;

interface Standstill {
  readonly unreadBytes: number;
  readonly takenBytes: number;
  readonly looks: number;
}

/**
 * Cuts off readers who take nothing of what waits for them. Neither the status of a call nor a graceful end can reach
 * such a peer: both would wait behind the rest, for ever.
 *
 * @returns stops it
 */
export function watchStuckReaders<Key extends object>(
  readers: () => Iterable<readonly [Key, Reader]>,
  stuckReaderMs: number,
  clock: Clock,
): () => void {
  let standstills = new Map<Key, Standstill>();
  const look = (): void => {
    const next = new Map<Key, Standstill>();
    for (const [key, reader] of readers()) {
      const { unreadBytes, takenBytes } = reader;
      if (unreadBytes === 0) continue;
      const before = standstills.get(key);
      const moves =
        before === undefined || unreadBytes < before.unreadBytes || takenBytes - before.takenBytes >= LEAST_BYTES;
      if (moves) next.set(key, { unreadBytes, takenBytes, looks: 0 });
      else if (before.looks + 1 >= LOOKS) reader.cut();
      else next.set(key, { ...before, looks: before.looks + 1 });
    }
    standstills = next;
    cancel = clock.schedule(intervalMs, look);
  };
  const intervalMs = Math.ceil(stuckReaderMs / LOOKS);
  let cancel = clock.schedule(intervalMs, look);
  return () => cancel();
}
