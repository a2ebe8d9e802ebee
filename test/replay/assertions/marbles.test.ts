import { concat, concatWith, debounceTime, delay, merge, of, throwError, timer } from 'rxjs';
import { TestScheduler } from 'rxjs/testing';
import { describe, expect, it } from 'vitest';
import { schedulerOf, toMarbles, VirtualClock } from '../../../src/replay/index.ts';

function runAll(clock: VirtualClock): void {
  while (clock.runNext());
}

describe('a clock as a scheduler', () => {
  it('lets operators of RxJS wait on it', () => {
    const clock = new VirtualClock();
    const scheduler = schedulerOf(clock);
    const words$ = merge(...[0, 50, 90, 400].map((ms) => of(ms).pipe(delay(ms, scheduler)))).pipe(
      debounceTime(100, scheduler),
    );
    const marbles = toMarbles(words$, { clock });
    runAll(clock);
    expect(marbles.diagram).toBe('190ms a 209ms (b|)');
    expect(marbles.values).toEqual({ a: 90, b: 400 });
  });

  it('repeats work at a steady pace until it is unsubscribed', () => {
    const clock = new VirtualClock();
    const times: number[] = [];
    const subscription = timer(10, 25, schedulerOf(clock)).subscribe(() => times.push(clock.elapsedMs));
    for (let times = 0; times < 4; times += 1) clock.runNext();
    subscription.unsubscribe();
    runAll(clock);
    expect(times).toEqual([10, 35, 60, 85]);
    expect(clock.nextMs).toBeUndefined();
  });

  it('does work that has failed no second time', () => {
    const clock = new VirtualClock();
    let runs = 0;
    schedulerOf(clock).schedule(function () {
      runs += 1;
      this.schedule(undefined, 5);
      throw new Error('failed');
    }, 5);
    expect(() => clock.runNext()).toThrow('failed');
    runAll(clock);
    expect(runs).toBe(1);
  });
});

describe('marbles', () => {
  it('are read by the TestScheduler as they were drawn', () => {
    const clock = new VirtualClock();
    const scheduler = schedulerOf(clock);
    const stream$ = concat(of(1, 2), of(3).pipe(delay(20, scheduler)), of(2).pipe(delay(5, scheduler)));
    const marbles = toMarbles(stream$, { clock });
    runAll(clock);
    expect(String(marbles)).toBe('(ab) 16ms c 4ms (b|)');
    const reader = new TestScheduler((actual, expected) => expect(actual).toEqual(expected));
    reader.run(({ expectObservable }) => {
      expectObservable(concat(of(1, 2), of(3).pipe(delay(20)), of(2).pipe(delay(5)))).toBe(
        marbles.diagram,
        marbles.values,
      );
    });
  });

  it('show a failure, and keep it', () => {
    const clock = new VirtualClock();
    const error = new Error('failed');
    const marbles = toMarbles(of('x').pipe(delay(3, schedulerOf(clock)), concatWith(throwError(() => error))), {
      clock,
    });
    runAll(clock);
    expect(marbles.diagram).toBe('3ms (a#)');
    expect(marbles.error).toBe(error);
  });

  it('take the frames and the names that they are told', () => {
    const clock = new VirtualClock();
    const stream$ = merge(...[1, 12, 19, 45].map((ms) => of({ ms }).pipe(delay(ms, schedulerOf(clock)))));
    const marbles = toMarbles(stream$, { clock }, { frameMs: 10, name: ({ ms }) => String(ms).slice(-1) });
    runAll(clock);
    expect(marbles.diagram).toBe('1 (29) (5|)');
    expect(() => toMarbles(of(1), { clock }, { frameMs: 0 })).toThrow('frameMs');
  });

  it('have a character for each value, however many there are', () => {
    const clock = new VirtualClock();
    const marbles = toMarbles(of(...Array.from({ length: 70 }, (_, index) => index)), { clock });
    expect(Object.keys(marbles.values)).toHaveLength(70);
    expect(Object.values(marbles.values)).toEqual(expect.arrayContaining([0, 61, 62, 69]));
  });
});
