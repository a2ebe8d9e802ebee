import fc from 'fast-check';
import { afterAll, expect, test } from 'vitest';
import { createMlsEngine, groupMembers } from '../../src/mls/index.ts';
import type { GroupChange, KeyPackageBundle } from '../../src/mls/index.ts';
import { defined, text } from './agents.ts';
import { seedOfRun } from '../support/seeded.ts';
import { World } from './world.ts';
import type { Counts, CrashPoint, Instance } from './world.ts';

const MAX_MEMBERS = 8;

/** One step of a history. `who` and `whom` are taken modulo those who are there. */
interface Step {
  readonly what:
    | 'send'
    | 'flush'
    | 'read'
    | 'add'
    | 'remove'
    | 'replace'
    | 'rotate'
    | 'publish'
    | 'abandon'
    | 'leave'
    | 'crash';
  readonly who: number;
  readonly whom: number;
  readonly crash: CrashPoint;
}

const weighted = (weight: number, what: Step['what']): { weight: number; arbitrary: fc.Arbitrary<Step['what']> } => ({
  weight,
  arbitrary: fc.constant(what),
});

const steps: fc.Arbitrary<readonly Step[]> = fc.array(
  fc.record({
    what: fc.oneof(
      weighted(5, 'send'),
      weighted(2, 'flush'),
      weighted(5, 'read'),
      weighted(3, 'add'),
      weighted(1, 'remove'),
      weighted(2, 'replace'),
      weighted(2, 'rotate'),
      weighted(8, 'publish'),
      weighted(1, 'abandon'),
      weighted(1, 'leave'),
      weighted(1, 'crash'),
    ),
    who: fc.nat(100),
    whom: fc.nat(100),
    crash: fc.oneof(
      { weight: 8, arbitrary: fc.constant<CrashPoint>('never') },
      { weight: 1, arbitrary: fc.constant<CrashPoint>('before-write') },
      { weight: 1, arbitrary: fc.constant<CrashPoint>('after-write') },
    ),
  }),
  { minLength: 100, maxLength: 300, size: 'max' },
);

async function take(world: World, { what, who, whom, crash }: Step): Promise<void> {
  const actor = defined(world.active[who % world.active.length]);
  switch (what) {
    case 'send':
      return actor.send(world.newId('message'), crash);
    case 'flush':
      return actor.flush();
    case 'read':
      return actor.follow(1 + (whom % 12), crash);
    case 'publish':
      return actor.publish();
    case 'abandon':
      actor.abandon();
      return;
    case 'leave':
      return groupMembers(actor.group).length > 2 ? actor.leave(crash) : undefined;
    case 'crash':
      actor.crash();
      return;
    default:
      if (!actor.hasPending) await stage(world, actor, what, whom, crash);
  }
}

async function stage(
  world: World,
  actor: Instance,
  what: Step['what'],
  whom: number,
  crash: CrashPoint,
): Promise<void> {
  const bundles = new Map<string, KeyPackageBundle>();
  const members = groupMembers(actor.group);
  const others = members.filter(({ leaf }) => leaf !== actor.group.ownLeaf);
  const other = others[whom % Math.max(1, others.length)];
  const invite = async (name: string): Promise<readonly Uint8Array[]> => {
    const bundle = await world.keyPackageOf(name);
    bundles.set(name, bundle);
    return [bundle.keyPackage];
  };
  let change: GroupChange = { rotate: true };
  if (what === 'add' && members.length < MAX_MEMBERS) change = { add: await invite(`agent-${world.names.length}`) };
  if (what === 'remove' && other !== undefined) change = { remove: [other.leaf] };
  if (what === 'replace') {
    // Of all that were ever there, so that some come back.
    const name = defined(world.names[whom % world.names.length]);
    const isIn = members.some(({ identity }) => text(identity) === name);
    if (name !== actor.name && (isIn || members.length < MAX_MEMBERS)) change = { replace: await invite(name) };
  }
  await actor.stage(change, bundles, crash);
}

const total: Counts = {
  races: 0,
  crashes: 0,
  restages: 0,
  removals: 0,
  replacements: 0,
  leaves: 0,
  late: 0,
  refreshed: 0,
};

test(
  'through any history all members end in one epoch and read every message exactly once',
  { timeout: 180_000 },
  async () => {
    const engine = await createMlsEngine();
    await fc.assert(
      fc.asyncProperty(steps, async (history) => {
        const world = await World.create(engine);
        for (const step of history) await take(world, step);
        await world.settle();
        expect(world.objections()).toEqual([]);
        for (const what of Object.keys(total) as (keyof Counts)[]) total[what] += world.counts[what];
      }),
      { seed: seedOfRun(), numRuns: 40 },
    );
  },
);

afterAll(() => {
  // A history generator that never causes what this file is there for must not pass for a proof.
  console.info(total);
  for (const [what, times] of Object.entries(total)) expect(times, what).toBeGreaterThan(0);
});
