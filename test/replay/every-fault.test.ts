import { expect, it } from 'vitest';
import { type Fault, type FaultKind, type FaultPlan, simulateLife } from '../../src/replay/index.ts';

/** A life that shows a kind, and the checkers that find something in it: none, where the product makes it good. */
interface Showing {
  readonly faults: readonly Fault[];
  readonly found?: readonly string[];
}

const bob = { agent: 'bob' } as const;
const second = { ...bob, nth: 2 } as const;
const soon = { ...bob, atMs: 400 } as const;
const aWhile = { ...soon, forMs: 500 } as const;
const race: Fault = { kind: 'commit-race', agents: ['alice', 'bob'], atMs: 500 };
const restored: Fault = { kind: 'directory-restored', ...bob, atMs: 1_200, forMs: 300, ageMs: 1_200 };
const damaged = { found: ['nothing-unreadable'] } as const;

/** Typed by the kinds, so that none can be forgotten. What takes an invite to heal is shown with the joins. */
const SHOWINGS: Readonly<
  Record<Exclude<FaultKind, 'losing-welcome' | 'directory-deleted' | 'directory-damaged'>, Showing>
> = {
  'lose-publish': { faults: [{ kind: 'lose-publish', ...second }] },
  'lose-answer': { faults: [{ kind: 'lose-answer', ...second }] },
  'delay-publish': { faults: [{ kind: 'delay-publish', ...second, ms: 300 }] },
  'delay-answer': { faults: [{ kind: 'delay-answer', ...second, ms: 300 }] },
  'refuse-publish': {
    faults: [{ kind: 'refuse-publish', ...second, from: 1, reason: 'quota-exceeded', retryAfterMs: 100 }],
  },
  'delay-entries': { faults: [{ kind: 'delay-entries', ...second, ms: 300 }] },
  'reorder-entries': { faults: [{ kind: 'reorder-entries', ...second, ms: 300 }] },
  'drop-entries': { faults: [{ kind: 'drop-entries', ...second }] },
  'duplicate-entries': { faults: [{ kind: 'duplicate-entries', ...second }] },
  'repeat-entries': { faults: [{ kind: 'repeat-entries', ...second }] },
  'corrupt-entries': { faults: [{ kind: 'corrupt-entries', ...second }], ...damaged },
  'truncate-entries': { faults: [{ kind: 'truncate-entries', ...second }], ...damaged },
  'mislabel-entries': {
    faults: [
      { kind: 'mislabel-entries', ...second, epochs: 1 },
      { kind: 'mislabel-entries', ...bob, nth: 4, epochs: -1 },
    ],
  },
  'lose-welcome': { faults: [restored, { kind: 'lose-welcome', ...bob, nth: 1 }] },
  'repeat-welcome': { faults: [restored, { kind: 'repeat-welcome', ...bob, nth: 1 }] },
  disconnect: { faults: [{ kind: 'disconnect', ...soon }] },
  'token-expires': { faults: [{ kind: 'token-expires', ...soon }] },
  partition: { faults: [{ kind: 'partition', agents: ['bob', 'carol'], atMs: 400, forMs: 500 }] },
  'half-open': { faults: [{ kind: 'half-open', ...aWhile }] },
  'slow-reader': { faults: [{ kind: 'slow-reader', ...aWhile }] },
  withhold: { faults: [{ kind: 'withhold', ...aWhile }] },
  'relay-crash': { faults: [{ kind: 'relay-crash', nth: 4, when: 'after', forMs: 300 }] },
  'relay-restored': {
    faults: [{ kind: 'relay-restored', atMs: 900, entries: 3 }],
    found: ['all-live', 'sends-settle'],
  },
  retention: {
    faults: [
      { kind: 'partition', agents: ['bob'], atMs: 100, forMs: 1_000 },
      { kind: 'retention', atMs: 900 },
    ],
  },
  // What the relay had acknowledged in the history that is gone, nobody can bring back.
  'relay-splits': {
    faults: [{ kind: 'relay-splits', agents: ['bob'], atMs: 300, forMs: 600 }, race],
    found: ['no-loss', 'one-order'],
  },
  'hostile-entries': { faults: [{ kind: 'hostile-entries', atMs: 400, what: 'replay', times: 3 }], ...damaged },
  'control-plane-down': { faults: [{ kind: 'control-plane-down', atMs: 400, forMs: 500 }] },
  'store-fails': { faults: [{ kind: 'store-fails', ...second, writes: 3, reason: 'full', when: 'after' }] },
  crash: { faults: [{ kind: 'crash', ...second, forMs: 300 }] },
  'directory-restored': { faults: [restored] },
  'second-process': { faults: [{ kind: 'second-process', ...aWhile }] },
  'clock-jump': {
    faults: [
      { kind: 'clock-jump', ...soon, byMs: -3_600_000 },
      { kind: 'clock-jump', agent: 'alice', atMs: 400, byMs: 3_600_000 },
    ],
  },
  'commit-race': { faults: [race] },
  'remove-member': { faults: [{ kind: 'remove-member', agent: 'alice', member: 'bob', atMs: 400 }] },
  'removal-race': { faults: [{ kind: 'removal-race', agent: 'alice', member: 'bob', atMs: 400 }] },
  'bad-key-package': { faults: [{ kind: 'bad-key-package', agent: 'alice', atMs: 400, how: 'twice' }] },
};

it.each(Object.keys(SHOWINGS) as (keyof typeof SHOWINGS)[])(
  'happens, and breaks no more than it must: %s',
  async (kind) => {
    const { faults, found = [] } = SHOWINGS[kind];
    const plan: FaultPlan = { version: 1, faults };
    const { violations, faultCounts } = await simulateLife({ seed: 3, agents: 3, plan });
    expect([...new Set(violations.map(({ checker }) => checker))].sort()).toEqual(found);
    expect(faultCounts.some(({ fault, fired }) => fault.kind === kind && fired > 0)).toBe(true);
  },
);
