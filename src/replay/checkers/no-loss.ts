import { agentsOf, knownMessages, memberships, seenBy, violation } from './facts.ts';
import type { Checker, Observation, RunRecord } from './observation.ts';

/** A range of places: behind one, through another. */
interface Range {
  readonly after: number;
  readonly through: number;
}

/**
 * Messages and gaps are the sequence: every message of the others that was stored while an agent was a member has been shown
 * to it, or lies in a gap that it was told of, or was told to be unreadable.
 *
 * Who only listens may miss what was on its way to it when it crashed, as streams are at most once. Who consumes may not.
 */
export const noLoss: Checker = {
  name: 'no-loss',
  check: (run) =>
    agentsOf(run).flatMap((agent) =>
      missing(run, agent).map((seq) =>
        violation('no-loss', agent, `message ${seq} was not shown, and no gap was told`),
      ),
    ),
};

function missing(run: RunRecord, agent: string): number[] {
  const seen = seenBy(run, agent);
  const end = seen.findLast((each) => each.kind === 'state')?.seq ?? lastSeq(seen);
  const consumes = seen.some((each) => each.kind === 'opened' && each.consumes);
  const shown = new Set(
    seen.flatMap((each) =>
      each.kind === (consumes ? 'handled' : 'message') || each.kind === 'unreadable'
        ? [(each as { seq: number }).seq]
        : [],
    ),
  );
  const excused = [...gaps(seen), ...(consumes ? [] : lostInCrashes(seen))];
  const times = memberships(run, agent);
  return [...knownMessages(run)]
    .filter(([seq, { sender }]) => sender !== agent && seq <= end && !shown.has(seq))
    .filter(([seq]) => times.some(({ afterSeq, throughSeq }) => seq > afterSeq && seq < throughSeq))
    .filter(([seq]) => !excused.some(({ after, through }) => seq > after && seq <= through))
    .map(([seq]) => seq);
}

function gaps(seen: readonly Observation[]): Range[] {
  return seen.flatMap((each) =>
    each.kind === 'gap' ? [{ after: each.afterSeq, through: each.resumesAtSeq - 1 }] : [],
  );
}

/** What an agent may have had on disk and not shown yet when it crashed. */
function lostInCrashes(seen: readonly Observation[]): Range[] {
  return seen.flatMap((each, index) =>
    each.kind === 'opened' && each.life > 1 ? [{ after: lastSeq(seen.slice(0, index)), through: each.seq }] : [],
  );
}

function lastSeq(seen: readonly Observation[]): number {
  const last = seen.findLast((each) => each.kind === 'message' || each.kind === 'epoch');
  return last === undefined ? 0 : (last as { seq: number }).seq;
}
