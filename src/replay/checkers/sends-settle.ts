import { agentsOf, ofKind, violation } from './facts.ts';
import type { Checker, ObservationOf, SendOutcome, Violation } from './observation.ts';

/**
 * Every send ends as exactly one of accepted, refused, unknown: accepted is in the log at the place of its receipt, and what
 * was refused is never seen.
 */
export const sendsSettle: Checker = {
  name: 'sends-settle',
  check(run) {
    const outcomes = new Map<number, SendOutcome[]>();
    for (const { call, outcome } of ofKind(run, 'settled'))
      outcomes.set(call, [...(outcomes.get(call) ?? []), outcome]);
    const logged = new Set(run.log.map(({ seq }) => seq));
    const seen = new Map<string, number>();
    for (const { sender, payload, seq } of ofKind(run, 'message')) seen.set(`${sender} ${payload}`, seq);
    return ofKind(run, 'send').flatMap(({ agent, call, payload }): Violation[] => {
      const fail = (detail: string): Violation[] => [violation('sends-settle', agent, detail)];
      const [outcome, ...others] = outcomes.get(call) ?? [];
      const place = seen.get(`${agent} ${payload}`);
      if (outcome === undefined) return fail(`send ${call} has no outcome`);
      if (others.length > 0) return fail(`send ${call} has ${others.length + 1} outcomes`);
      if (outcome.kind === 'refused' && place !== undefined)
        return fail(`send ${call} was refused, and stored as ${place}`);
      if (outcome.kind !== 'accepted') return [];
      if (!logged.has(outcome.seq)) return fail(`send ${call} was accepted as ${outcome.seq}, which is not in the log`);
      if (place !== undefined && place !== outcome.seq)
        return fail(`send ${call} was accepted as ${outcome.seq}, and is ${place}`);
      return [];
    });
  },
};

/** In the end nothing waits for the relay, and every stream of every channel that was stopped has completed. */
export const nothingPending: Checker = {
  name: 'nothing-pending',
  check: (run) =>
    agentsOf(run).flatMap((agent): Violation[] => {
      const state = ofKind(run, 'state').findLast((each) => each.agent === agent);
      if (state === undefined) return [];
      const isOver = (each: ObservationOf<'completed'>): boolean => each.agent === agent && each.life === state.life;
      const fail = (detail: string): Violation[] => [violation('nothing-pending', agent, detail)];
      if (state.status === 'live' && state.unsettled > 0) return fail(`${state.unsettled} messages wait for the relay`);
      return ofKind(run, 'completed').some(isOver) ? [] : fail('its streams have not completed');
    }),
};
