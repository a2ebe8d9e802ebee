import { AssertionError } from 'node:assert';
import { map } from 'rxjs';
import { TestScheduler } from 'rxjs/testing';
import { describe, expect, it } from 'vitest';
import { text } from '../../../src/index.ts';
import {
  assertEpochs,
  assertFaults,
  assertMarbles,
  assertMessages,
  assertReplays,
  matchers,
  replay,
  ReplayDivergedError,
  type ReplayMatchers,
  tapeMessages,
  toMarbles,
  watch,
} from '../../../src/replay/index.ts';
import { answerPings, pingTape } from './ping-tape.ts';

declare module 'vitest' {
  // eslint-disable-next-line @typescript-eslint/no-empty-object-type -- as its documentation says
  interface Matchers<T> extends ReplayMatchers<T> {}
}
expect.extend(matchers);

const tape = await pingTape();

describe('matchers', () => {
  it('tell whether an agent does what was done then', async () => {
    await expect(tape).toReplay((channel$) => answerPings(channel$));
    await expect(tape).not.toReplay((channel$) => answerPings(channel$, 'something else'));
    await expect(expect(tape).toReplay((channel$) => answerPings(channel$, 'something else'))).rejects.toThrow(
      'another payload was sent than was recorded',
    );
    await assertReplays(tape, (channel$) => answerPings(channel$));
    await expect(assertReplays(tape, (channel$) => answerPings(channel$, 'x'))).rejects.toThrow(ReplayDivergedError);
  });

  it('compare what was seen, in words', async () => {
    const run = await replay(tape, {
      faults: [
        { kind: 'repeat-message', nth: 1 },
        { kind: 'drop-message', nth: 2 },
      ],
    });
    const seen = watch(run.channel$);
    await run.play();
    expect(seen).toHaveMessages(['ping', new TextEncoder().encode('ping')]);
    expect(seen).toHaveFaults(['gap']);
    expect(seen).toHaveEpochs([2]);
    expect(seen).not.toHaveMessages(['ping', { json: 'ping' }]);
    expect(() => expect(seen).toHaveMessages(['pong'])).toThrow(/'ping'[^]*'pong'/);
    expect(() => expect(seen).toHaveFaults([])).toThrow('gap');
    for (const broken of [
      () => assertMessages(seen, ['pong', 'ping']),
      () => assertFaults(seen, ['stale']),
      () => assertEpochs(seen, [2n, 3n]),
    ]) {
      expect(broken).toThrow(AssertionError);
    }
  });

  it('compare marbles, on the time of the tape', async () => {
    const run = await replay(tape);
    const words$ = run.channel$.as(text()).pipe(map(({ payload }) => payload));
    const marbles = toMarbles(words$, run, { name: (word) => word.slice(0, 1), frameMs: 10 });
    await run.play();
    expect(marbles).toHaveMarbles(marbles.diagram, { p: 'ping', d: 'done' });
    expect(marbles.diagram).toMatch(/^(\d+ms )?p \d+ms d \d+ms \|$/);
    expect(() => expect(marbles).toHaveMarbles('pd|')).toThrow('pd|');
    expect(() => assertMarbles(marbles, marbles.diagram, { p: 'pong', d: 'done' })).toThrow(AssertionError);
  });
});

describe('the messages of a tape', () => {
  it('come at their times on a TestScheduler, in one synchronous run', () => {
    const [first = 0, second = 0] = tape.records
      .filter(({ kind, value }) => kind === 'emitted' && (value as { readonly kind: string }).kind === 'message')
      .map(({ atMs }) => atMs);
    const scheduler = new TestScheduler((actual, expected) => expect(actual).toEqual(expected));
    scheduler.run(({ expectObservable }) => {
      const lengths$ = tapeMessages(tape, scheduler).pipe(map(({ payload }) => new TextDecoder().decode(payload)));
      expectObservable(lengths$).toBe(`${first}ms a ${second - first - 1}ms (b|)`, { a: 'ping', b: 'done' });
    });
  });

  it('are not to be had from a wire tape', () => {
    expect(() => tapeMessages({ ...tape, header: { ...tape.header, mode: 'wire' } })).toThrow('of mode wire');
  });
});
