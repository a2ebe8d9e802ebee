import { firstValueFrom, lastValueFrom, type Subscription, take, toArray } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { StateSubject } from '../../src/streams/index.ts';

describe('StateSubject', () => {
  it('replays the latest value to each subscriber, then the changes', () => {
    const state = new StateSubject('a');
    const early: string[] = [];
    const late: string[] = [];
    state.asObservable().subscribe((value) => early.push(value));
    state.next('b');
    state.asObservable().subscribe((value) => late.push(value));
    state.next('c');

    expect(early).toEqual(['a', 'b', 'c']);
    expect(late).toEqual(['b', 'c']);
  });

  it('replays the last value and completes after the end, and takes no value any more', async () => {
    const state = new StateSubject(1);
    state.next(2);
    state.complete();
    state.next(3);
    state.complete();

    expect(await lastValueFrom(state.asObservable().pipe(toArray()))).toEqual([2]);
    expect(state.asObservable().value).toBe(2);
  });

  it('passes over values that equal the current one', () => {
    const state = new StateSubject(Number.NaN);
    const seen: number[] = [];
    state.asObservable().subscribe((value) => seen.push(value));
    state.next(Number.NaN);
    state.next(1);
    state.next(1);
    state.next(Number.NaN);

    expect(seen).toEqual([Number.NaN, 1, Number.NaN]);
  });

  it('compares with the given function and keeps the object that it has', () => {
    const first = { epoch: 1, note: 'first' };
    const state = new StateSubject(first, (before, now) => before.epoch === now.epoch);
    state.next({ epoch: 1, note: 'second' });

    expect(state.value).toBe(first);
  });

  it('has the new value at once, also inside a handler, and updates from it', () => {
    const state = new StateSubject(0);
    const read: number[] = [];
    state.asObservable().subscribe((value) => {
      if (value !== 1) return;
      state.update((count) => count + 10);
      read.push(state.value);
      state.update((count) => count + 10);
      read.push(state.value);
    });

    state.next(1);

    expect(read).toEqual([11, 21]);
    expect(state.value).toBe(21);
  });

  it('shows two subscribers the same order when one makes a change in its handler', () => {
    const state = new StateSubject(0);
    const first: number[] = [];
    const last: number[] = [];
    state.asObservable().subscribe((value) => {
      first.push(value);
      if (value === 1) state.next(2);
    });
    state.asObservable().subscribe((value) => last.push(value));

    state.next(1);

    expect(first).toEqual([0, 1, 2]);
    expect(last).toEqual([0, 1, 2]);
  });

  it('shows a subscriber that joins during a delivery the latest value once', () => {
    const state = new StateSubject(0);
    const late: number[] = [];
    const joinLate = (): Subscription => state.asObservable().subscribe((value) => late.push(value));
    state.asObservable().subscribe((value) => {
      if (value !== 1) return;
      state.next(2);
      joinLate();
    });

    state.next(1);
    state.next(3);

    expect(late).toEqual([2, 3]);
  });

  it('shows a subscriber the change that it makes in the handler of the replayed value, after that value', () => {
    const state = new StateSubject(0);
    const log: string[] = [];
    state.asObservable().subscribe((value) => {
      log.push(`begin ${value}`);
      if (value === 0) state.next(1);
      log.push(`end ${value}`);
    });

    expect(log).toEqual(['begin 0', 'end 0', 'begin 1', 'end 1']);
  });

  it('completes behind the changes that wait', () => {
    const state = new StateSubject(0);
    const seen: unknown[] = [];
    state.asObservable().subscribe((value) => {
      if (value !== 1) return;
      state.next(2);
      state.complete();
    });
    state.asObservable().subscribe({ next: (value) => seen.push(value), complete: () => seen.push('complete') });

    state.next(1);

    expect(seen).toEqual([0, 1, 2, 'complete']);
  });

  it('holds no subscription of one who took what it needed', async () => {
    const state = new StateSubject(1);
    const live = state.asObservable().subscribe();
    expect(state.observed).toBe(true);
    live.unsubscribe();
    await firstValueFrom(state.asObservable());
    state.asObservable().pipe(take(2)).subscribe();
    state.next(2);

    expect(state.observed).toBe(false);
  });
});
