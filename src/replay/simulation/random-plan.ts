import type { Fault, FaultKind } from '../faults/fault.ts';
import type { FaultPlan } from '../faults/fault-plan.ts';
import type { SeededRandom } from '../world/seeded-random.ts';

/** How long a life is busy, in virtual milliseconds: faults come in this time. */
export const BUSY_MS = 1_500;
const MAX_FAULTS = 4;
const HOUR_MS = 3_600_000;

type Removal = Extract<Fault, { readonly member: string }>;

type Draw = (random: SeededRandom, agents: readonly string[]) => Fault;

const at = (random: SeededRandom): { atMs: number } => ({ atMs: random.between(0, BUSY_MS) });
const forAWhile = (random: SeededRandom): { atMs: number; forMs: number } => ({
  ...at(random),
  forMs: random.between(50, 2_000),
});
const of = (random: SeededRandom, agents: readonly string[]): { agent: string; nth: number } => ({
  agent: random.pick(agents),
  nth: random.between(1, 4),
});
const pair = (random: SeededRandom, agents: readonly string[]): { agent: string; member: string } => {
  const agent = random.pick(agents);
  return { agent, member: random.pick(agents.filter((other) => other !== agent)) };
};
const some = (random: SeededRandom, agents: readonly string[]): string[] => {
  const chosen = agents.filter(() => random.fraction() < 0.5);
  return chosen.length === 0 ? [random.pick(agents)] : chosen;
};

/**
 * What may happen to anybody at any time, and must not break a promise. Not among them is what nobody can make good: a relay that
 * loses what it had acknowledged or shows two histories, entries that are damaged on their way or are nobody's, what retention
 * takes from who is away, and a store that is gone.
 */
const DRAWS: Partial<Record<FaultKind, Draw>> = {
  'lose-publish': (random, agents) => ({ kind: 'lose-publish', ...of(random, agents) }),
  'lose-answer': (random, agents) => ({ kind: 'lose-answer', ...of(random, agents) }),
  'delay-publish': (random, agents) => ({ kind: 'delay-publish', ...of(random, agents), ms: random.between(5, 800) }),
  'delay-answer': (random, agents) => ({ kind: 'delay-answer', ...of(random, agents), ms: random.between(5, 800) }),
  'refuse-publish': (random, agents) => ({
    kind: 'refuse-publish',
    ...of(random, agents),
    from: random.between(0, 1),
    reason: random.pick(['quota-exceeded', 'rate-limited', 'unavailable']),
    retryAfterMs: random.between(10, 500),
  }),
  'delay-entries': (random, agents) => ({ kind: 'delay-entries', ...of(random, agents), ms: random.between(5, 800) }),
  'reorder-entries': (random, agents) => ({
    kind: 'reorder-entries',
    ...of(random, agents),
    ms: random.between(5, 300),
  }),
  'drop-entries': (random, agents) => ({ kind: 'drop-entries', ...of(random, agents) }),
  'duplicate-entries': (random, agents) => ({ kind: 'duplicate-entries', ...of(random, agents) }),
  'repeat-entries': (random, agents) => ({ kind: 'repeat-entries', ...of(random, agents) }),
  disconnect: (random, agents) => ({ kind: 'disconnect', agent: random.pick(agents), ...at(random) }),
  'token-expires': (random, agents) => ({ kind: 'token-expires', agent: random.pick(agents), ...at(random) }),
  partition: (random, agents) => ({ kind: 'partition', agents: some(random, agents), ...forAWhile(random) }),
  'half-open': (random, agents) => ({ kind: 'half-open', agent: random.pick(agents), ...forAWhile(random) }),
  'slow-reader': (random, agents) => ({ kind: 'slow-reader', agent: random.pick(agents), ...forAWhile(random) }),
  withhold: (random, agents) => ({ kind: 'withhold', agent: random.pick(agents), ...forAWhile(random) }),
  'relay-crash': (random) => ({
    kind: 'relay-crash',
    nth: random.between(1, 12),
    when: random.pick(['before', 'after']),
    forMs: random.between(50, 2_000),
  }),
  'store-fails': (random, agents) => ({
    kind: 'store-fails',
    agent: random.pick(agents),
    nth: random.between(1, 12),
    writes: random.between(1, 4),
    reason: random.pick(['full', 'read-only', 'locked']),
    when: random.pick(['before', 'after']),
  }),
  crash: (random, agents) => ({
    kind: 'crash',
    agent: random.pick(agents),
    nth: random.between(1, 16),
    forMs: random.between(10, 1_500),
  }),
  'directory-restored': (random, agents) => ({
    kind: 'directory-restored',
    agent: random.pick(agents),
    ...forAWhile(random),
    ageMs: random.between(0, 1_000),
  }),
  'commit-race': (random, agents) => ({ kind: 'commit-race', agents: some(random, agents), ...at(random) }),
  'mislabel-entries': (random, agents) => ({
    kind: 'mislabel-entries',
    ...of(random, agents),
    epochs: random.pick([-1, 1]),
  }),
  'clock-jump': (random, agents) => ({
    kind: 'clock-jump',
    agent: random.pick(agents),
    ...at(random),
    byMs: random.pick([-HOUR_MS, HOUR_MS]),
  }),
  'second-process': (random, agents) => ({
    kind: 'second-process',
    agent: random.pick(agents),
    ...forAWhile(random),
  }),
  'bad-key-package': (random, agents) => ({
    kind: 'bad-key-package',
    agent: random.pick(agents),
    ...at(random),
    how: random.pick(['expired', 'twice']),
  }),
  'removal-race': (random, agents) => ({ kind: 'removal-race', ...pair(random, agents), ...at(random) }),
  'remove-member': (random, agents) => ({ kind: 'remove-member', ...pair(random, agents), ...at(random) }),
};

/** The kinds of faults that {@link randomPlan} draws from. */
export const RANDOM_KINDS: readonly FaultKind[] = Object.keys(DRAWS) as FaultKind[];

/** A plan by chance: one to four faults for these agents, of whom there must be two. Who is removed has no other troubles. */
export function randomPlan(random: SeededRandom, agents: readonly string[]): FaultPlan {
  const faults: Fault[] = [];
  for (let count = random.between(1, MAX_FAULTS); count > 0; count -= 1) {
    const fault = DRAWS[random.pick(RANDOM_KINDS)]?.(random, agents);
    if (fault === undefined) continue;
    // Two that are equal in all would be one: the second could never happen.
    if (!faults.some((other) => JSON.stringify(other) === JSON.stringify(fault))) faults.push(fault);
  }
  const removal = faults.find((fault): fault is Removal => 'member' in fault);
  return { version: 1, faults: faults.filter((fault) => fault === removal || !concerns(fault, removal)) };
}

/** Whether a fault is about who is removed, or another removal: it may never happen. */
function concerns(fault: Fault, removal: Removal | undefined): boolean {
  if (removal === undefined) return false;
  if ('member' in fault) return true;
  return 'agent' in fault ? fault.agent === removal.member : 'agents' in fault && fault.agents.includes(removal.member);
}
