import { switchMap, take } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { timerOn } from '../../src/streams/timer-on.ts';
import { clockOf, createMarbles, ManualClock } from './support.ts';

describe('timerOn', () => {
  it('emits once after the delay and completes, for each subscriber anew', () => {
    const marbles = createMarbles();
    marbles.run(({ expectObservable }) => {
      const timer$ = timerOn(clockOf(marbles), 3);
      expectObservable(timer$).toBe('---(a|)', { a: undefined });
      expectObservable(timer$, '--^').toBe('-----(a|)', { a: undefined });
    });
  });

  it('starts again with each value that switches to it', () => {
    const marbles = createMarbles();
    marbles.run(({ hot, expectObservable }) => {
      const quiet$ = hot('a-a-a------a').pipe(
        switchMap(() => timerOn(clockOf(marbles), 3)),
        take(1),
      );
      expectObservable(quiet$).toBe('-------(a|)', { a: undefined });
    });
  });

  it('leaves nothing on the clock when it is unsubscribed', () => {
    const clock = new ManualClock();
    const subscription = timerOn(clock, 3).subscribe();
    expect(clock.pending).toBe(1);
    subscription.unsubscribe();
    expect(clock.pending).toBe(0);
  });
});
