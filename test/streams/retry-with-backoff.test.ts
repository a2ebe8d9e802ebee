import { defer, of, throwError } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { type RetryNotice, type RetryOptions, retryWithBackoff } from '../../src/streams/index.ts';
import { clockOf, CountedSource, createMarbles, ManualClock } from './support.ts';

const steady = { random: { fraction: () => 0 }, jitter: 0 };

describe('retryWithBackoff', () => {
  it('subscribes again after delays that grow up to the longest', () => {
    const marbles = createMarbles();
    marbles.run(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold('#');
      const options: RetryOptions = { ...steady, clock: clockOf(marbles), minMs: 1, maxMs: 4 };
      expectObservable(source.pipe(retryWithBackoff(options)), '^------------!').toBe('-');
      // Tries at 0, 1, 3, 7 and 11.
      expectSubscriptions(source.subscriptions).toBe(['(^!)', '-(^!)', '---(^!)', '-------(^!)', '-----------(^!)']);
    });
  });

  it('keeps growing while values come and break off at once', () => {
    const marbles = createMarbles();
    marbles.run(({ cold, expectObservable }) => {
      const source = cold('a#');
      const options: RetryOptions = { ...steady, clock: clockOf(marbles), minMs: 1, maxMs: 8, resetAfterMs: 2 };
      // Each try lasts 1 ms; the waits are 1, 2, 4 and 8 ms.
      expectObservable(source.pipe(retryWithBackoff(options)), '^ 16ms !').toBe('a-a--a----a--------');
    });
  });

  it('starts with the shortest delay again after values without an error for the quiet time', () => {
    const marbles = createMarbles();
    marbles.run(({ cold, expectObservable }) => {
      const source = cold('-a-b#');
      const options: RetryOptions = { ...steady, clock: clockOf(marbles), minMs: 1, maxMs: 8, resetAfterMs: 3 };
      // The first value of a try comes 3 ms before the error, so that each wait is 1 ms.
      expectObservable(source.pipe(retryWithBackoff(options)), '^--------------!').toBe('-a-b--a-b--a-b-');
    });
  });

  it('passes completion on', () => {
    const marbles = createMarbles();
    marbles.run(({ cold, expectObservable }) => {
      const options: RetryOptions = { ...steady, clock: clockOf(marbles) };
      expectObservable(cold('a-b|').pipe(retryWithBackoff(options))).toBe('a-b|');
    });
  });

  it('passes an error on that another try does not cure', () => {
    const marbles = createMarbles();
    marbles.run(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold('a-#');
      const options: RetryOptions = { ...steady, clock: clockOf(marbles), isRetryable: (error) => error !== 'error' };
      expectObservable(source.pipe(retryWithBackoff(options))).toBe('a-#');
      expectSubscriptions(source.subscriptions).toBe('^-!');
    });
  });

  it('tells of each wait before it begins', () => {
    const clock = new ManualClock();
    const notices: RetryNotice[] = [];
    let tries = 0;
    const flaky$ = defer(() => {
      tries += 1;
      return tries < 3 ? throwError(() => new Error(`try ${tries}`)) : of('here');
    });
    const seen: string[] = [];
    flaky$
      .pipe(retryWithBackoff({ ...steady, clock, onRetry: (notice) => notices.push(notice) }))
      .subscribe((value) => seen.push(value));
    clock.advance(600);

    expect(seen).toEqual(['here']);
    expect(notices).toEqual([
      { error: new Error('try 1'), attempt: 1, delayMs: 200 },
      { error: new Error('try 2'), attempt: 2, delayMs: 400 },
    ]);
  });

  it('counts for each subscriber alone', () => {
    const clock = new ManualClock();
    const source = new CountedSource<number>();
    const retried$ = source.values$.pipe(retryWithBackoff({ ...steady, clock, minMs: 10, maxMs: 1000 }));
    const first = retried$.subscribe();
    source.error('first');
    clock.advance(10);
    const second = retried$.subscribe();
    source.error('both');
    clock.advance(10);

    // The second one is back after its first wait of 10 ms, the first one waits for 20 ms.
    expect(source.active).toBe(1);
    clock.advance(10);
    expect(source.active).toBe(2);
    first.unsubscribe();
    second.unsubscribe();
    expect(source.active).toBe(0);
  });

  it('leaves no timer when unsubscribed during a wait', () => {
    const clock = new ManualClock();
    const source = new CountedSource<number>();
    const subscription = source.values$.pipe(retryWithBackoff({ ...steady, clock })).subscribe();
    source.error('lost');
    expect(clock.pending).toBe(1);
    subscription.unsubscribe();

    expect(clock.pending).toBe(0);
    clock.advance(60_000);
    expect(source.subscriptions).toBe(1);
  });

  it('refuses a bad option at the call', () => {
    expect(() => retryWithBackoff({ ...steady, clock: new ManualClock(), minMs: -1 })).toThrow(
      'Expected `minMs` to be an integer of at least 1, got -1.',
    );
  });
});
