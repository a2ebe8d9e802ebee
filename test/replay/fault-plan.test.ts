import { expect, it } from 'vitest';
import { formatFaultPlan, parseFaultPlan } from '../../src/replay/index.ts';

const plan = {
  version: 1,
  faults: [
    { kind: 'lose-answer', agent: 'alice', nth: 2 },
    { kind: 'partition', agents: ['alice', 'bob'], atMs: 100, forMs: 5_000 },
  ],
};

it('reads what it has written, one fault a line', () => {
  const text = formatFaultPlan(parseFaultPlan(plan));
  expect(parseFaultPlan(text)).toEqual(plan);
  expect(text.split('\n').filter((line) => line.includes('"kind"'))).toHaveLength(2);
});

it('names the place and the rule of what it refuses', () => {
  const faultWith = (change: object): unknown => ({ version: 1, faults: [{ ...plan.faults[0], ...change }] });
  expect(() => parseFaultPlan('{')).toThrow('Expected the fault plan to be JSON.');
  expect(() => parseFaultPlan([])).toThrow('Expected `the fault plan` to be an object, got [].');
  expect(() => parseFaultPlan({ ...plan, version: 2 })).toThrow('Expected `version` to be 1');
  expect(() => parseFaultPlan({ ...plan, seed: 1 })).toThrow('Unknown field `seed`');
  expect(() => parseFaultPlan(faultWith({ kind: 'lose-answers' }))).toThrow('Expected `faults[0].kind` to be one of');
  expect(() => parseFaultPlan(faultWith({ kind: 'toString' }))).toThrow('Expected `faults[0].kind` to be one of');
  expect(() => parseFaultPlan(faultWith({ nth: 0 }))).toThrow(
    '`faults[0].nth` to be an integer from 1 to 1000000, got 0.',
  );
  expect(() => parseFaultPlan(faultWith({ nth: undefined }))).toThrow('`faults[0].nth` to be an integer');
  expect(() => parseFaultPlan(faultWith({ agent: '' }))).toThrow('`faults[0].agent` to be a name');
  expect(() => parseFaultPlan(faultWith({ atMs: 5 }))).toThrow('Unknown field `faults[0].atMs`');
});
