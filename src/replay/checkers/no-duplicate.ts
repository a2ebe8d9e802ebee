import { agentsOf, knownMessages, seenBy, violation } from './facts.ts';
import type { Checker, Violation } from './observation.ts';

/**
 * Nobody is shown a message twice: not in one life, and not in a later one unless it says that it is redelivered. No handler
 * that has completed gets the same message again in the same life.
 */
export const noDuplicate: Checker = {
  name: 'no-duplicate',
  check: (run) =>
    agentsOf(run).flatMap((agent) => {
      const shown = new Set<number>();
      const handled = new Set<string>();
      return seenBy(run, agent).flatMap((each): Violation[] => {
        if (each.kind === 'restored') shown.clear();
        if (each.kind === 'message') {
          const isAgain = shown.has(each.seq) && !each.redelivered;
          shown.add(each.seq);
          return isAgain ? [violation('no-duplicate', agent, `message ${each.seq} was shown again`)] : [];
        }
        if (each.kind !== 'handled') return [];
        const key = `${each.life} ${each.seq}`;
        const isAgain = handled.has(key);
        handled.add(key);
        return isAgain ? [violation('no-duplicate', agent, `message ${each.seq} was handled again in one life`)] : [];
      });
    }),
};

/** What was sent once is in the log once. Holds where payloads differ. */
export const storedOnce: Checker = {
  name: 'stored-once',
  check(run) {
    const places = new Map<string, number>();
    const found: Violation[] = [];
    for (const [seq, { sender, payload }] of knownMessages(run)) {
      const key = `${sender} ${payload}`;
      const other = places.get(key);
      if (other !== undefined)
        found.push(violation('stored-once', sender, `one message is stored as ${other} and as ${seq}`));
      places.set(key, seq);
    }
    return found;
  },
};
