import { expect, it } from 'vitest';
import type { ClientChannel } from '../../src/index.ts';
import { toHex } from '../../src/base/bytes.ts';
import { type Fault, type FaultPlan, simulateLife, type Violation, World } from '../../src/replay/index.ts';
import { bytes } from '../support/swarm.ts';
import { meet } from './meet.ts';

/** What is found in a life of three under these faults. */
async function violations(...faults: Fault[]): Promise<readonly Violation[]> {
  const report = await simulateLife({ seed: 3, agents: 3, plan: { version: 1, faults } });
  return report.violations;
}

const bobIsAway: Fault = { kind: 'partition', agents: ['bob'], atMs: 100, forMs: 1_000 };

const NAMES = ['alice', 'bob', 'carol', 'dave', 'erin', 'frank', 'grace', 'heidi'];

/** Agents of one channel who renew their keys in one moment. */
async function racing(agents: number): Promise<{ readonly world: World; readonly channels: readonly ClientChannel[] }> {
  const all = Array.from({ length: agents }, (_, index) => NAMES[index] ?? `agent-${index}`);
  const world = new World({ seed: 3, plan: { version: 1, faults: [{ kind: 'commit-race', agents: all, atMs: 0 }] } });
  const channels = await meet(world, all);
  world.arm();
  return { world, channels };
}

it.each([2, 5])('lets one of %i commits win that are made in one moment, and the others after it', async (agents) => {
  const { world, channels } = await racing(agents);
  const before = channels[0]?.channel$.state$.value.epoch ?? 0n;
  expect(await world.until(() => world.actions.length === agents)).toBe(true);
  await world.until(() => channels.every(({ channel$ }) => channel$.state$.value.epoch === before + BigInt(agents)));
  expect(world.actions.filter(({ error }) => error !== undefined)).toEqual([]);
  expect(new Set(channels.map(({ channel$ }) => toHex(channel$.state$.value.epochAuthenticator))).size).toBe(1);
  await world[Symbol.asyncDispose]();
});

it('leaves many who commit in one moment with one epoch, and with one state of it', async () => {
  const { world, channels } = await racing(16);
  const before = channels[0]?.channel$.state$.value.epoch ?? 0n;
  const entered = new Map<number, string>();
  channels.forEach(({ channel$ }, index) =>
    channel$.state$.subscribe(({ epoch, epochAuthenticator }) => {
      if (epoch === before + 1n) entered.set(index, toHex(epochAuthenticator));
    }),
  );
  expect(await world.until(() => entered.size === 16, 5_000)).toBe(true);
  expect(new Set(entered.values()).size).toBe(1);
  // All but one want theirs still; that they take their turn is shown with fewer.
  for (const agent of world.agents) agent.crash();
  await world[Symbol.asyncDispose]();
});

it.each(['expired', 'twice'] as const)('takes no key package that is %s', async (how) => {
  const world = new World({
    seed: 3,
    plan: { version: 1, faults: [{ kind: 'bad-key-package', agent: 'alice', atMs: 0, how }] },
  });
  const [channel] = await meet(world, ['alice', 'bob']);
  world.arm();
  await world.until(() => world.actions.length > 0);
  expect(world.actions).toMatchObject([
    { agent: 'alice', error: { code: how === 'twice' ? 'mls_error' : 'invalid_key_package' } },
  ]);
  expect(channel?.channel$.state$.value.members).toHaveLength(how === 'twice' ? 3 : 2);
  await world[Symbol.asyncDispose]();
});

it('refuses a second process on one store, and the first goes on', async () => {
  const plan: FaultPlan = { version: 1, faults: [{ kind: 'second-process', agent: 'bob', atMs: 0, forMs: 100 }] };
  const world = new World({ seed: 3, plan });
  const [alice, bob] = await meet(world, ['alice', 'bob']);
  world.arm();
  await world.until(() => world.actions.length > 0);
  expect(world.actions).toMatchObject([{ agent: 'bob', error: { cause: { code: 'data_dir_in_use' } } }]);
  for (const channel of [alice, bob]) await world.complete(channel!.send(bytes('still here')));
  await world[Symbol.asyncDispose]();
});

it('goes on through a flood of what nobody can read, and says of each entry what it is', async () => {
  const found = await violations({ kind: 'hostile-entries', atMs: 400, what: 'garbage', times: 300 });
  expect(found).toHaveLength(3 * 300);
  expect(new Set(found.map(({ checker }) => checker))).toEqual(new Set(['nothing-unreadable']));
});

it('stands still, and says so, behind a commit that nobody can apply', async () => {
  const found = await violations({ kind: 'hostile-entries', atMs: 400, what: 'garbage-commit', times: 1 });
  expect(found.map(({ checker, detail }) => `${checker}: ${detail}`)).toEqual(
    Array.from({ length: 3 }, () => 'all-live: is stuck'),
  );
});

it.each(['corrupt-entries', 'truncate-entries'] as const)(
  'says of each entry that it cannot be read: %s',
  async (kind) => {
    const found = await violations({ kind, agent: 'bob', nth: 2 });
    expect(found).toEqual([
      {
        checker: 'nothing-unreadable',
        agent: 'bob',
        detail: expect.stringMatching(/^entry \d+ is undecryptable$/) as string,
      },
    ]);
  },
);

it('tells of a gap where retention has taken messages from who was away', async () => {
  expect(await violations(bobIsAway, { kind: 'retention', atMs: 900 })).toEqual([]);
});

it('joins anew where retention has taken a commit from who was away, and loses nothing that is not in a gap', async () => {
  const race: Fault = { kind: 'commit-race', agents: ['alice'], atMs: 500 };
  expect(await violations(bobIsAway, race, { kind: 'retention', atMs: 900 })).toEqual([]);
});

it('stands still, and says so, where a relay has lost what it had acknowledged', async () => {
  const found = await violations({ kind: 'relay-restored', atMs: 900, entries: 3 });
  expect(found.filter(({ checker }) => checker === 'all-live').map(({ detail }) => detail)).toEqual(
    Array.from({ length: 3 }, () => 'is refused'),
  );
  expect(found.some(({ detail }) => detail.includes('which is not in the log'))).toBe(true);
});
