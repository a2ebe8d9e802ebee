import { getEventListeners } from 'node:events';
import { NEVER, takeUntil } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { fromSignal } from '../../src/streams/index.ts';
import { createMarbles } from './support.ts';

describe('fromSignal', () => {
  it('emits once when the signal is aborted, and completes', () => {
    const stop = new AbortController();
    const seen: string[] = [];
    fromSignal(stop.signal).subscribe({ next: () => seen.push('next'), complete: () => seen.push('complete') });
    expect(seen).toEqual([]);
    stop.abort();

    expect(seen).toEqual(['next', 'complete']);
  });

  it('emits at once for a signal that is aborted already', () => {
    const seen: string[] = [];
    fromSignal(AbortSignal.abort()).subscribe({ next: () => seen.push('next'), complete: () => seen.push('complete') });

    expect(seen).toEqual(['next', 'complete']);
  });

  it('ends a stream at the moment of the abort, as a notifier', () => {
    const marbles = createMarbles();
    marbles.run(({ cold, hot, expectObservable, expectSubscriptions }) => {
      const stop = new AbortController();
      hot('----x').subscribe(() => stop.abort());
      const source = cold('a-b-c-d');
      expectObservable(source.pipe(takeUntil(fromSignal(stop.signal)))).toBe('a-b-|');
      expectSubscriptions(source.subscriptions).toBe('^---!');
    });
  });

  it('leaves no listener on the signal', () => {
    const stop = new AbortController();
    const first = fromSignal(stop.signal).subscribe();
    const second = NEVER.pipe(takeUntil(fromSignal(stop.signal))).subscribe();
    // One for all.
    expect(getEventListeners(stop.signal, 'abort')).toHaveLength(1);
    first.unsubscribe();
    expect(getEventListeners(stop.signal, 'abort')).toHaveLength(1);
    second.unsubscribe();

    expect(getEventListeners(stop.signal, 'abort')).toHaveLength(0);
  });
});
