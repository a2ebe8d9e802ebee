import { yieldTurn } from '../../streams/index.ts';

/** Turns of the event loop after which something is believed to keep itself busy without end. */
const MAX_TURNS = 100_000;

/** Turns of the event loop that code under test has to do what it can do by itself. */
export const PATIENCE = 50;

/** Whether no `setImmediate` waits in this process, just after a turn of the event loop. */
export function isQuiet(): boolean {
  return !process.getActiveResourcesInfo().includes('Immediate');
}

/**
 * Resolves when nothing in this process has anything to do before time passes: no promise is about to go on and no
 * `setImmediate` waits. What waits for a real timer or for real I/O is not seen: in a simulation there is none.
 *
 * @throws Error if it does not get quiet within 100,000 turns of the event loop
 */
export async function quiet(): Promise<void> {
  for (let turns = 0; turns < MAX_TURNS; turns += 1) {
    await yieldTurn();
    if (isQuiet()) return;
  }
  throw new Error(`it did not get quiet within ${MAX_TURNS} turns of the event loop`);
}

/**
 * Gives what is about to go on {@link PATIENCE} turns of the event loop, or fewer if it is {@link quiet} before: for where others may be busy all the
 * time in the same process.
 */
export async function letGoOn(): Promise<void> {
  for (let turn = 0; turn < PATIENCE; turn += 1) {
    await yieldTurn();
    if (isQuiet()) return;
  }
}
