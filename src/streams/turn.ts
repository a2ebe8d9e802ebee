/** How many values one consumer handles before others get a turn of the event loop. */
export const VALUES_PER_TURN = 32;

/** Resolves in the event loop's next turn, after timers and I/O that are due had theirs. */
export function yieldTurn(): Promise<void> {
  return new Promise((resolve) => void setImmediate(resolve));
}
