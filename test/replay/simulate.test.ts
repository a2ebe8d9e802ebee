import { expect, it } from 'vitest';
import {
  type FaultPlan,
  FAULT_KINDS,
  randomPlan,
  SeededRandom,
  shrinkPlan,
  simulateLife,
} from '../../src/replay/index.ts';

it('keeps every promise in lives under faults by chance', async () => {
  for (let seed = 1; seed <= 12; seed += 1) {
    const { violations, plan } = await simulateLife({ seed });
    expect({ seed, violations, plan }).toEqual({ seed, violations: [], plan });
  }
});

it('repeats a life exactly under its seed, faults and all', async () => {
  const [first, again] = [await simulateLife({ seed: 9 }), await simulateLife({ seed: 9 })];
  expect(again).toEqual(first);
});

it('fails a life in which something that was planned never happened', async () => {
  const plan: FaultPlan = { version: 1, faults: [{ kind: 'lose-answer', agent: 'nobody', nth: 1 }] };
  const { violations } = await simulateLife({ seed: 1, agents: 2, plan });
  expect(violations).toEqual([{ checker: 'all-faults-fired', agent: '', detail: 'lose-answer never happened' }]);
});

it('shrinks a plan to what is needed to fail', async () => {
  const faults = [1, 2, 3, 4, 5].map((nth) => ({ kind: 'lose-answer', agent: 'alice', nth }) as const);
  const needs = [faults[1], faults[4]];
  const fails = async (plan: FaultPlan): Promise<boolean> =>
    needs.every((fault) => plan.faults.some((each) => each === fault));
  expect((await shrinkPlan({ version: 1, faults }, fails)).faults).toEqual(needs);
});

it('draws plans that can be written down, of every kind that it knows of', () => {
  const random = new SeededRandom(4);
  const drawn = Array.from({ length: 400 }, () => randomPlan(random, ['alice', 'bob', 'carol']));
  const kinds = new Set(drawn.flatMap(({ faults }) => faults.map(({ kind }) => kind)));
  expect(FAULT_KINDS.filter((kind) => !kinds.has(kind))).toEqual([
    'corrupt-entries',
    'truncate-entries',
    'lose-welcome',
    'repeat-welcome',
    'relay-restored',
    'retention',
    'relay-splits',
    'hostile-entries',
    'losing-welcome',
    'control-plane-down',
    'directory-deleted',
    'directory-damaged',
  ]);
});
