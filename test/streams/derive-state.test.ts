import { describe, expect, it } from 'vitest';
import { deriveState, StateSubject } from '../../src/streams/index.ts';
import { createMarbles } from './support.ts';

interface Group {
  readonly epoch: number;
  readonly members: readonly string[];
}

const one: Group = { epoch: 1, members: ['alice'] };
const two: Group = { epoch: 2, members: ['alice', 'bob'] };

describe('deriveState', () => {
  it('has the value of the source of that moment, with or without subscribers', () => {
    const group = new StateSubject(one);
    const epoch$ = deriveState(group.asObservable(), ({ epoch }) => epoch);

    expect(epoch$.value).toBe(1);
    group.next(two);
    expect(epoch$.value).toBe(2);
  });

  it('never lets two views of one state disagree in a handler', () => {
    const group = new StateSubject(one);
    const epoch$ = deriveState(group.asObservable(), ({ epoch }) => epoch);
    const members$ = deriveState(group.asObservable(), ({ members }) => members);
    const pairs: [number, number][] = [];
    epoch$.subscribe((epoch) => pairs.push([epoch, members$.value.length]));
    members$.subscribe((members) => pairs.push([epoch$.value, members.length]));

    group.next(two);

    expect(pairs).toEqual([
      [1, 1],
      [1, 1],
      [2, 2],
      [2, 2],
    ]);
  });

  it('emits changes of the result alone', () => {
    const group = new StateSubject(one);
    const seen: number[] = [];
    deriveState(group.asObservable(), ({ epoch }) => epoch).subscribe((epoch) => seen.push(epoch));

    group.next({ ...one, members: ['alice', 'carol'] });
    group.next(two);

    expect(seen).toEqual([1, 2]);
  });

  it('replays the latest to each, passes over what is no change, and completes, in time', () => {
    const marbles = createMarbles();
    marbles.run(({ hot, expectObservable }) => {
      const count = new StateSubject(0);
      hot('--1-2---3-4-|', { 1: 1, 2: 2, 3: 3, 4: 4 }).subscribe({
        next: (value) => count.next(value),
        complete: () => count.complete(),
      });
      const isBig$ = deriveState(count.asObservable(), (value) => value > 2);
      const values = { f: false, t: true };
      expectObservable(isBig$).toBe('f-------t---|', values);
      expectObservable(isBig$, '---------^').toBe('---------t--|', values);
      expectObservable(isBig$, '--------------^').toBe('--------------(t|)', values);
    });
  });

  it('keeps the same object while the results are equal', () => {
    const group = new StateSubject(one);
    const sorted$ = deriveState(
      group.asObservable(),
      ({ members }) => [...members].sort(),
      (before, now) => before.join() === now.join(),
    );
    const before = sorted$.value;
    const seen: string[][] = [];
    sorted$.subscribe((members) => seen.push(members));

    group.next({ ...one, epoch: 7 });

    expect(sorted$.value).toBe(before);
    expect(seen).toEqual([['alice']]);
    expect(seen[0]).toBe(before);
  });

  it('projects a value of the source once for all its readers', () => {
    const group = new StateSubject(one);
    let runs = 0;
    const epoch$ = deriveState(group.asObservable(), ({ epoch }) => {
      runs += 1;
      return epoch;
    });
    epoch$.subscribe();
    epoch$.subscribe();
    expect(epoch$.value).toBe(1);
    group.next(two);

    expect(runs).toBe(2);
  });

  it('ends with the source, and then still replays', () => {
    const group = new StateSubject(one);
    const epoch$ = deriveState(group.asObservable(), ({ epoch }) => epoch);
    group.next(two);
    group.complete();
    const seen: unknown[] = [];

    epoch$.subscribe({ next: (epoch) => seen.push(epoch), complete: () => seen.push('complete') });

    expect(seen).toEqual([2, 'complete']);
  });

  it('leaves no subscription at the source', () => {
    const group = new StateSubject(one);
    const epoch$ = deriveState(group.asObservable(), ({ epoch }) => epoch);
    epoch$.subscribe().unsubscribe();

    expect(group.observed).toBe(false);
  });
});
