import { asyncScheduler, Observable, type SchedulerAction, type SchedulerLike } from 'rxjs';
import type { ChannelEvent, ChannelMessage } from '../../actors/channel/index.ts';
import { RuntimeError } from '../../base/errors.ts';
import type { Tape } from './tape.ts';
import { fromTapeValue } from './tape-value.ts';

/**
 * The messages of a `plaintext` tape alone, for operators under test: cold, each as long after the subscription as it came after
 * the recording began. On RxJS's `TestScheduler` that is in one synchronous run.
 *
 * @throws {@link RuntimeError} `invalid_argument` for a tape of another mode
 *
 * @example
 * import { TestScheduler } from 'rxjs/testing';
 * import { expect } from 'vitest';
 * const tape = await readTape('night.tape');
 * const scheduler = new TestScheduler((actual, expected) => expect(actual).toEqual(expected));
 * scheduler.run(({ expectObservable }) => {
 *   const lengths$ = tapeMessages(tape, scheduler).pipe(map(({ payload }) => payload.length));
 *   expectObservable(lengths$).toBe('40ms a 99ms (b|)', { a: 3, b: 5 });
 * });
 */
export function tapeMessages(tape: Tape, scheduler: SchedulerLike = asyncScheduler): Observable<ChannelMessage> {
  const { mode } = tape.header;
  if (mode !== 'plaintext') {
    throw new RuntimeError('invalid_argument', `Expected a tape of mode plaintext, got one of mode ${mode}.`);
  }
  const messages = tape.records.flatMap(({ kind, atMs, value }) => {
    const event = kind === 'emitted' ? (fromTapeValue(value) as ChannelEvent) : undefined;
    return event?.kind === 'message' ? [{ atMs: Math.round(atMs), message: event }] : [];
  });
  return new Observable((subscriber) => {
    const showFrom = function (this: SchedulerAction<number>, index = 0): void {
      const atMs = messages[index]?.atMs ?? 0;
      for (let next = index; ; next += 1) {
        const due = messages[next];
        if (due === undefined) {
          subscriber.complete();
          return;
        }
        if (due.atMs > atMs) {
          this.schedule(next, due.atMs - atMs);
          return;
        }
        subscriber.next(due.message);
      }
    };
    return scheduler.schedule(showFrom, messages[0]?.atMs ?? 0, 0);
  });
}
