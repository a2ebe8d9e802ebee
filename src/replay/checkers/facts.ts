import type { Observation, ObservationOf, RunRecord, Violation } from './observation.ts';

/** A record's observations, sorted once: every checker asks for those of a kind or of an agent, again and again. */
class Sorted {
  readonly length: number;
  readonly byKind: ReadonlyMap<string, readonly Observation[]>;
  readonly byAgent: ReadonlyMap<string, readonly Observation[]>;
  known: ReadonlyMap<number, KnownMessage> | undefined;

  constructor(observations: readonly Observation[]) {
    this.length = observations.length;
    this.byKind = groupedBy(observations, ({ kind }) => kind);
    this.byAgent = groupedBy(observations, ({ agent }) => agent);
  }
}

function groupedBy(
  observations: readonly Observation[],
  nameOf: (each: Observation) => string,
): ReadonlyMap<string, readonly Observation[]> {
  const groups = new Map<string, Observation[]>();
  for (const each of observations) {
    const group = groups.get(nameOf(each));
    if (group === undefined) groups.set(nameOf(each), [each]);
    else group.push(each);
  }
  return groups;
}

const sorted = new WeakMap<readonly Observation[], Sorted>();

function sortedOf({ observations }: Observed): Sorted {
  const before = sorted.get(observations);
  // A history that goes on is sorted anew.
  if (before?.length === observations.length) return before;
  const now = new Sorted(observations);
  sorted.set(observations, now);
  return now;
}

type Observed = Pick<RunRecord, 'observations'>;

/** The observations of one kind, in order. */
export function ofKind<Kind extends Observation['kind']>(run: Observed, kind: Kind): readonly ObservationOf<Kind>[] {
  return (sortedOf(run).byKind.get(kind) ?? []) as readonly ObservationOf<Kind>[];
}

/** Names of all agents, in the order in which they came. */
export function agentsOf(run: RunRecord): readonly string[] {
  return [...new Set(ofKind(run, 'opened').map(({ agent }) => agent))];
}

/** What was seen by one agent, in order. */
export function seenBy(run: RunRecord, agent: string): readonly Observation[] {
  return sortedOf(run).byAgent.get(agent) ?? [];
}

/** A message as all know it. */
export interface KnownMessage {
  readonly sender: string;
  readonly payload: string;
}

/** The messages of the log, by place: what a receipt tells, and what anybody has read. The first word counts. */
export function knownMessages(run: RunRecord): ReadonlyMap<number, KnownMessage> {
  return (sortedOf(run).known ??= findMessages(run));
}

function findMessages(run: RunRecord): ReadonlyMap<number, KnownMessage> {
  const known = new Map<number, KnownMessage>();
  const sends = new Map(ofKind(run, 'send').map((send) => [send.call, send]));
  for (const { call, outcome } of ofKind(run, 'settled')) {
    const send = sends.get(call);
    if (outcome.kind === 'accepted' && send !== undefined)
      known.set(outcome.seq, { sender: send.agent, payload: send.payload });
  }
  for (const { seq, sender, payload } of ofKind(run, 'message')) {
    if (!known.has(seq)) known.set(seq, { sender, payload });
  }
  return known;
}

/** Where an agent became a member, and where it ceased to be one: places in the log. */
export interface Membership {
  readonly afterSeq: number;
  readonly throughSeq: number;
}

/** The times in which an agent was a member, by what the others have seen. */
export function memberships(run: RunRecord, agent: string): Membership[] {
  const opened = ofKind(run, 'opened').find((each) => each.agent === agent);
  if (opened === undefined) return [];
  const changes = new Map(ofKind(run, 'epoch').map((change) => [change.seq, change]));
  const times: { afterSeq: number; throughSeq: number }[] = [
    { afterSeq: commitBefore(run, opened.epoch), throughSeq: Infinity },
  ];
  for (const { seq, added, removed } of [...changes.values()].sort((a, b) => a.seq - b.seq)) {
    const time = times.at(-1);
    if (time === undefined || seq <= time.afterSeq) continue;
    if (removed.includes(agent) && !added.includes(agent)) time.throughSeq = Math.min(time.throughSeq, seq);
    else if (added.includes(agent) && time.throughSeq < seq) times.push({ afterSeq: seq, throughSeq: Infinity });
  }
  return times;
}

/** The place of the commit that began an epoch, 0 for the first. */
function commitBefore({ log }: RunRecord, epoch: bigint): number {
  return log.find((entry) => entry.kind === 'commit' && entry.epoch === epoch - 1n)?.seq ?? 0;
}

/** A violation found by a checker. */
export function violation(checker: string, agent: string, detail: string): Violation {
  return { checker, agent, detail };
}
