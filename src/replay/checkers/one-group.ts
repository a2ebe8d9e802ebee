import { agentsOf, ofKind, seenBy, violation } from './facts.ts';
import type { Checker, RunRecord, Violation } from './observation.ts';

const OVER = ['removed', 'refused', 'stuck', 'rolled-back', 'rejoining'] as const;

/** In the end all members are in one epoch, with one authenticator (RFC 9420 §8.7) and one list of members. */
export const oneGroup: Checker = {
  name: 'one-group',
  check(run) {
    const states = members(run);
    const [first] = states;
    if (first === undefined) return [];
    return states.flatMap((each): Violation[] => {
      const fail = (detail: string): Violation[] => [violation('one-group', each.agent, detail)];
      if (each.epoch !== first.epoch) return fail(`is in epoch ${each.epoch}, ${first.agent} in ${first.epoch}`);
      if (each.authenticator !== first.authenticator) return fail(`has another authenticator than ${first.agent}`);
      if (each.members.join() !== first.members.join()) return fail(`knows other members than ${first.agent}`);
      return [];
    });
  },
};

/**
 * In the end nobody is left behind: every agent is up and every channel is live, with all of the log read, or over because its
 * agent was removed.
 */
export const allLive: Checker = {
  name: 'all-live',
  check(run) {
    const head = run.log.at(-1)?.seq ?? 0;
    const gone = agentsOf(run).filter((agent) => isDown(run, agent));
    const behind = ofKind(run, 'state').flatMap((each): Violation[] => {
      if (each.status === 'removed') return [];
      if (each.status !== 'live') return [violation('all-live', each.agent, `is ${each.status}`)];
      return each.seq === head ? [] : [violation('all-live', each.agent, `has read ${each.seq} of ${head}`)];
    });
    return [...behind, ...gone.map((agent) => violation('all-live', agent, 'has not come back'))];
  },
};

function isDown(run: RunRecord, agent: string): boolean {
  const last = seenBy(run, agent).findLast(
    ({ kind }) => kind === 'opened' || kind === 'crashed' || kind === 'restored',
  );
  return last?.kind !== 'opened';
}

function members(run: RunRecord): ReturnType<typeof ofKind<'state'>> {
  return ofKind(run, 'state').filter(({ status }) => !OVER.some((over) => over === status));
}
