import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Fifo } from '../../src/streams/index.ts';

describe('Fifo', () => {
  it('behaves as an array does, through growth, shrinking and clearing', () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.oneof(
            { weight: 8, arbitrary: fc.record({ push: fc.nat(300) }) },
            { weight: 8, arbitrary: fc.record({ shift: fc.nat(300) }) },
            { weight: 1, arbitrary: fc.constant('clear' as const) },
          ),
        ),
        (steps) => {
          const fifo = new Fifo<number>();
          const model: number[] = [];
          let next = 0;
          for (const step of steps) {
            if (step === 'clear') expect(fifo.clear()).toEqual(model.splice(0));
            else if ('push' in step) {
              for (let count = 0; count < step.push; count += 1) {
                fifo.push(next);
                model.push(next);
                next += 1;
              }
            } else for (let count = 0; count < step.shift; count += 1) expect(fifo.shift()).toBe(model.shift());
            expect(fifo.length).toBe(model.length);
          }
        },
      ),
    );
  });

  it('holds what may be undefined', () => {
    const fifo = new Fifo<number | undefined>();
    fifo.push(undefined);
    fifo.push(1);

    expect(fifo.length).toBe(2);
    expect([fifo.shift(), fifo.shift(), fifo.length]).toEqual([undefined, 1, 0]);
  });
});
