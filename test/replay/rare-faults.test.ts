import { expect, it } from 'vitest';
import { type Fault, simulateLife, type Violation } from '../../src/replay/index.ts';

/** What is found in a life of three under these faults. */
async function violations(...faults: Fault[]): Promise<readonly Violation[]> {
  const report = await simulateLife({ seed: 3, agents: 3, plan: { version: 1, faults } });
  return report.violations;
}

const bobIsAway: Fault = { kind: 'partition', agents: ['bob'], atMs: 100, forMs: 1_000 };

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
