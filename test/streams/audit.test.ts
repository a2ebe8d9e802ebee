import { getEventListeners } from 'node:events';
import { defer, EMPTY, type Observable, Subject } from 'rxjs';
import type { RunHelpers } from 'rxjs/testing';
import { describe, expect, it } from 'vitest';
import {
  deriveState,
  fromSignal,
  OrderedSubject,
  retryWithBackoff,
  Scope,
  type StateObservable,
  StateSubject,
} from '../../src/streams/index.ts';
import { timerOn } from '../../src/streams/timer-on.ts';
import { clockOf, createMarbles } from './support.ts';

// Each stream and operator in virtual time, under the five things that happen to all of them. What cannot happen to one is
// named as such. `buffered` has turns of the event loop instead of time, and `iterate` promises: they are in their own files.

const STEADY = { random: { fraction: () => 0 }, jitter: 0, minMs: 2, maxMs: 2 };

function marbles(test: (helpers: RunHelpers, clock: ReturnType<typeof clockOf>) => void): void {
  const scheduler = createMarbles();
  const clock = clockOf(scheduler);
  scheduler.run((helpers) => test(helpers, clock));
}

/** What a subscriber sees that joins first and does `answer` in its handlers, and what one sees that joins behind it. */
function seenByTwo<T>(source$: Observable<T>, answer: (value: T) => void): readonly [readonly T[], readonly T[]] {
  const [first, second]: [T[], T[]] = [[], []];
  source$.subscribe((value) => {
    first.push(value);
    answer(value);
  });
  source$.subscribe((value) => second.push(value));
  return [first, second];
}

describe('OrderedSubject', () => {
  it('value, completion: shows both at their time, to those that are there', () => {
    marbles(({ cold, expectObservable }) => {
      const subject = new OrderedSubject<string>();
      cold('-a-b-|').subscribe({ next: (value) => subject.next(value), complete: () => subject.complete() });
      expectObservable(subject.asObservable()).toBe('-a-b-|');
      expectObservable(subject.asObservable(), '--^').toBe('---b-|');
      expectObservable(subject.asObservable(), '------^').toBe('------|');
    });
  });

  it('error: has none', () => {
    expect('error' in OrderedSubject.prototype).toBe(false);
  });

  it('unsubscribe: lets go of the subscriber at that time', () => {
    marbles(({ cold, expectObservable, flush }) => {
      const subject = new OrderedSubject<string>();
      cold('-a-b-').subscribe((value) => subject.next(value));
      expectObservable(subject.asObservable(), '^-!').toBe('-a-');
      flush();
      expect(subject.observed).toBe(false);
    });
  });

  it('re-entrancy: shows everybody the question before the answer', () => {
    const subject = new OrderedSubject<string>();
    const seen = seenByTwo(subject.asObservable(), (value) => {
      if (value === 'question') subject.next('answer');
    });
    subject.next('question');

    expect(seen).toEqual([
      ['question', 'answer'],
      ['question', 'answer'],
    ]);
  });
});

/** The two that hold a state, made alike from a source of numbers. */
const states: readonly [
  string,
  () => { readonly subject: StateSubject<number>; readonly state$: StateObservable<number> },
][] = [
  [
    'StateSubject',
    () => {
      const subject = new StateSubject(0);
      return { subject, state$: subject.asObservable() };
    },
  ],
  [
    'deriveState',
    () => {
      const subject = new StateSubject(0);
      return { subject, state$: deriveState(subject.asObservable(), (value) => value * 10) };
    },
  ],
];

describe.each(states)('%s', (name, create) => {
  const factor = name === 'deriveState' ? 10 : 1;
  const values = { z: 0, a: factor, b: 2 * factor };

  it('value, completion: replays the latest, then shows changes at their time, and replays after the end', () => {
    marbles(({ cold, expectObservable }) => {
      const { subject, state$ } = create();
      cold('-a-b-|', { a: 1, b: 2 }).subscribe({
        next: (value) => subject.next(value),
        complete: () => subject.complete(),
      });
      expectObservable(state$).toBe('za-b-|', values);
      expectObservable(state$, '--^').toBe('--ab-|', values);
      expectObservable(state$, '------^').toBe('------(b|)', values);
    });
  });

  it('error: has none', () => {
    expect('error' in StateSubject.prototype).toBe(false);
  });

  it('unsubscribe: lets go of the source at that time, and the value goes on', () => {
    marbles(({ cold, expectObservable, flush }) => {
      const { subject, state$ } = create();
      cold('-a-b-', { a: 1, b: 2 }).subscribe((value) => subject.next(value));
      expectObservable(state$, '^-!').toBe('za', values);
      flush();
      expect([subject.observed, state$.value]).toEqual([false, 2 * factor]);
    });
  });

  it('re-entrancy: shows everybody the change before the change that it causes', () => {
    const { subject, state$ } = create();
    const seen = seenByTwo(state$, (value) => {
      if (value === factor) subject.next(2);
    });
    subject.next(1);

    expect(seen).toEqual([
      [0, factor, 2 * factor],
      [0, factor, 2 * factor],
    ]);
  });
});

describe('fromSignal', () => {
  it('value, completion: both at the moment of the abort', () => {
    marbles(({ hot, expectObservable }) => {
      const stop = new AbortController();
      hot('---x').subscribe(() => stop.abort());
      expectObservable(fromSignal(stop.signal)).toBe('---(a|)', { a: undefined });
      expectObservable(fromSignal(stop.signal), '----^').toBe('----(a|)', { a: undefined });
    });
  });

  it('error: has none, whatever the reason is', () => {
    marbles(({ expectObservable }) => {
      expectObservable(fromSignal(AbortSignal.abort(new Error('reason')))).toBe('(a|)', { a: undefined });
    });
  });

  it('unsubscribe: hears no abort after that, and leaves no listener', () => {
    marbles(({ hot, expectObservable, flush }) => {
      const stop = new AbortController();
      hot('---x').subscribe(() => stop.abort());
      expectObservable(fromSignal(stop.signal), '^-!').toBe('--');
      flush();
      expect(getEventListeners(stop.signal, 'abort')).toEqual([]);
    });
  });

  it('re-entrancy: one handler may unsubscribe the next, and abort again', () => {
    const stop = new AbortController();
    const log: string[] = [];
    fromSignal(stop.signal).subscribe(() => {
      log.push('first');
      second.unsubscribe();
      stop.abort();
    });
    const second = fromSignal(stop.signal).subscribe(() => log.push('second'));
    stop.abort();

    expect(log).toEqual(['first']);
  });
});

describe('timerOn', () => {
  it('value, completion: both when the time is up', () => {
    marbles(({ expectObservable }, clock) => {
      expectObservable(timerOn(clock, 3)).toBe('---(a|)', { a: undefined });
    });
  });

  it('error: one of the clock comes out of the subscription', () => {
    marbles(({ expectObservable }) => {
      const broken = { now: () => 0, schedule: (): never => failWith('error') };
      expectObservable(timerOn(broken, 3)).toBe('#');
    });
  });

  it('unsubscribe: nothing comes', () => {
    marbles(({ expectObservable }, clock) => {
      expectObservable(timerOn(clock, 3), '^-!').toBe('--');
    });
  });

  it('re-entrancy: a handler may start the next one', () => {
    marbles(({ expectObservable, flush }, clock) => {
      const ticks = new Subject<number>();
      const tick = (count: number): void =>
        void timerOn(clock, 2).subscribe(() => {
          if (count < 3) tick(count + 1);
          ticks.next(count);
        });
      expectObservable(ticks).toBe('--a-b-c', { a: 1, b: 2, c: 3 });
      tick(1);
      flush();
    });
  });
});

describe('retryWithBackoff', () => {
  it('value, error: passes values on, and subscribes again after the wait', () => {
    marbles(({ cold, expectObservable, expectSubscriptions }, clock) => {
      const source = cold('-a#');
      expectObservable(source.pipe(retryWithBackoff({ ...STEADY, clock })), '^------!').toBe('-a---a--');
      expectSubscriptions(source.subscriptions).toBe(['^-!', '----^-!']);
    });
  });

  it('completion: passes it on, also behind errors', () => {
    marbles(({ cold, expectObservable }, clock) => {
      const tries = [cold('-#'), cold('-a|')];
      const source$ = defer(() => tries.shift() ?? EMPTY);
      expectObservable(source$.pipe(retryWithBackoff({ ...STEADY, clock }))).toBe('----a|');
    });
  });

  it('unsubscribe: ends the try, or the wait, at that time', () => {
    marbles(({ cold, expectObservable, expectSubscriptions }, clock) => {
      const source = cold('-a---#');
      expectObservable(source.pipe(retryWithBackoff({ ...STEADY, clock })), '^--!').toBe('-a-');
      const failing = cold('#');
      expectObservable(failing.pipe(retryWithBackoff({ ...STEADY, clock })), '^!').toBe('--');
      expectSubscriptions(source.subscriptions).toBe('^--!');
      expectSubscriptions(failing.subscriptions).toBe('(^!)');
    });
  });

  it('re-entrancy: a handler may unsubscribe in the middle of a value', () => {
    marbles(({ cold, expectSubscriptions, flush }, clock) => {
      const source = cold('-(ab)#');
      const seen: string[] = [];
      const subscription = source.pipe(retryWithBackoff({ ...STEADY, clock })).subscribe((value) => {
        seen.push(value);
        subscription.unsubscribe();
      });
      expectSubscriptions(source.subscriptions).toBe('^!');
      flush();
      expect(seen).toEqual(['a']);
    });
  });
});

describe('Scope.bind', () => {
  it('value, completion: passes both on; the end of the scope completes, and unsubscribes', () => {
    marbles(({ cold, hot, expectObservable, expectSubscriptions }) => {
      const scope = new Scope();
      hot('----x').subscribe(() => void scope.end());
      const source = cold('-a-b-c');
      expectObservable(source.pipe(scope.bind())).toBe('-a-b|');
      expectObservable(cold('-a|').pipe(scope.bind())).toBe('-a|');
      expectSubscriptions(source.subscriptions).toBe('^---!');
    });
  });

  it('error: passes it on', () => {
    marbles(({ cold, expectObservable }) => {
      expectObservable(cold('-a-#').pipe(new Scope().bind())).toBe('-a-#');
    });
  });

  it('unsubscribe: lets go of the source and of the scope', () => {
    marbles(({ cold, expectObservable, expectSubscriptions, flush }) => {
      const scope = new Scope();
      const source = cold('-a-b');
      expectObservable(source.pipe(scope.bind()), '^-!').toBe('-a-');
      expectSubscriptions(source.subscriptions).toBe('^-!');
      flush();
      expect(getEventListeners(scope.signal, 'abort')).toEqual([]);
    });
  });

  it('re-entrancy: a handler may end the scope in the middle of a value', () => {
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const scope = new Scope();
      const source = cold('-(ab)-c');
      const bound$ = source.pipe(scope.bind());
      const seen = new Subject<string>();
      expectObservable(seen).toBe('-(a|)');
      bound$.subscribe({
        next: (value) => {
          seen.next(value);
          void scope.end();
        },
        complete: () => seen.complete(),
      });
      expectSubscriptions(source.subscriptions).toBe('^!');
    });
  });
});

function failWith(error: string): never {
  // Marbles compare with what a `#` is by default.
  // eslint-disable-next-line @typescript-eslint/only-throw-error
  throw error;
}
