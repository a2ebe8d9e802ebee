import { expect, it } from 'vitest';
import { EarliestTimer } from '../../src/streams/index.ts';
import { ManualClock } from '../support/manual-clock.ts';

function timer(): { readonly clock: ManualClock; readonly timer: EarliestTimer; readonly firedAt: number[] } {
  const clock = new ManualClock();
  const startMs = clock.now();
  const firedAt: number[] = [];
  return { clock, firedAt, timer: new EarliestTimer(clock, () => firedAt.push(clock.now() - startMs)) };
}

it('fires once, at the earliest of the moments that were asked for', () => {
  const { clock, timer: earliest, firedAt } = timer();
  earliest.fireIn(300);
  earliest.fireIn(100);
  earliest.fireIn(200);
  clock.advance(99);
  expect(firedAt).toEqual([]);
  clock.advance(1);
  clock.advance(1_000);
  expect(firedAt).toEqual([100]);
});

it('fires again when it is asked again, also from what it fires', () => {
  const clock = new ManualClock();
  let fired = 0;
  const earliest: EarliestTimer = new EarliestTimer(clock, () => {
    fired += 1;
    if (fired < 3) earliest.fireIn(10);
  });
  earliest.fireIn(-5);
  for (let step = 0; step < 5; step += 1) clock.advance(10);
  expect(fired).toBe(3);
});

it('does not fire any more when it was stopped, whatever is asked', () => {
  const { clock, timer: earliest, firedAt } = timer();
  earliest.fireIn(100);
  earliest.stop();
  earliest.fireIn(50);
  clock.advance(1_000);
  expect(firedAt).toEqual([]);
});
