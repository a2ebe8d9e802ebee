import { from, interval, map, merge, mergeMap, NEVER, of, switchMap, take, tap, throwError } from 'rxjs';
import { describe, expect, test } from 'vitest';
import { defineActor, orThrow, watch } from '../../../src/actors/index.ts';
import { collect, deferred, lives, startTestSystem } from './support.ts';

const shout = defineActor<string, string>((inbox$) =>
  inbox$.pipe(
    map((text) => {
      if (text === 'boom') throw new Error('boom');
      return text.toUpperCase();
    }),
  ),
);

describe('an actor', () => {
  test('handles messages in the order of one sender, and emits to all subscribers in one order', async () => {
    const { system, settle } = startTestSystem();
    const ref = system.spawn(shout, { id: 'shout' });
    const first = collect(
      ref.out$.pipe(
        tap((text) => {
          if (text === 'A') ref.tell('answer');
        }),
      ),
    );
    const second = collect(ref.out$);
    for (const text of ['a', 'b', 'c']) ref.tell(text);
    await settle();
    expect(first).toEqual(['A', 'B', 'C', 'ANSWER']);
    expect(second).toEqual(first);
  });

  test('has the same reference, subscriptions and mailbox after a crash', async () => {
    const { system, settle, advance, crashes } = startTestSystem();
    const ref = system.spawn(shout, { id: 'shout', mailbox: { poisonAfter: 1 } });
    const seen = collect(ref.out$);
    for (const text of ['a', 'boom', 'b']) ref.tell(text);
    await settle();
    expect(seen).toEqual(['A']);
    expect(ref.lifecycle$.value).toMatchObject({ kind: 'backingOff', incarnation: 1 });
    expect(ref.depth).toBe(1);
    await advance(10_000);
    expect(seen).toEqual(['A', 'B']);
    expect(ref.lifecycle$.value).toEqual({ kind: 'running', incarnation: 2 });
    expect(crashes).toEqual([{ path: '/shout', incarnation: 1, error: new Error('boom') }]);
  });

  test('ends normally when its body completes, and completes its streams once', async () => {
    const { system, settle } = startTestSystem();
    const ref = system.spawn(
      defineActor<number, number>((inbox$) => inbox$.pipe(take(2))),
      { id: 'two' },
    );
    const seen = collect(ref.out$);
    const states = lives(ref);
    for (const value of [1, 2, 3]) ref.tell(value);
    await settle();
    expect(seen).toEqual([1, 2, 'end']);
    expect(states).toEqual(['running', 'stopped']);
    expect(ref.lifecycle$.value).toEqual({ kind: 'stopped', incarnation: 1, exit: { kind: 'normal' } });
    expect(collect(ref.out$)).toEqual(['end']);
    expect(collect(ref.lifecycle$.pipe(map(({ kind }) => kind)))).toEqual(['stopped', 'end']);
  });

  test('keeps messages until its body listens, so that a body may prepare itself first', async () => {
    const { system, settle } = startTestSystem();
    const prepared = deferred();
    const ref = system.spawn(
      defineActor<string, string>((inbox$) => from(prepared.promise).pipe(switchMap(() => inbox$))),
      { id: 'slow' },
    );
    const seen = collect(ref.out$);
    ref.tell('early');
    await settle();
    expect(ref.depth).toBe(1);
    prepared.resolve(undefined);
    await settle();
    expect(seen).toEqual(['early']);
  });

  test('may be an async function', async () => {
    const { system, settle } = startTestSystem();
    const ref = system.spawn(
      defineActor<never>(async (_, { signal }) => {
        await new Promise((resolve) => signal.addEventListener('abort', resolve));
      }),
      { id: 'async' },
    );
    const seen = collect(ref.out$);
    await settle();
    expect(ref.lifecycle$.value.kind).toBe('running');
    await ref.stop();
    expect(seen).toEqual(['end']);
  });

  test('is given its input, its path and the count of its lives', async () => {
    const { system, advance } = startTestSystem();
    const seen: unknown[] = [];
    const logic = defineActor<never, never, { readonly shard: number }>((_, context) => {
      const { input, id, path, incarnation } = context;
      seen.push({ input, id, path, incarnation });
      return incarnation === 1 ? of(1).pipe(mergeMap(() => from(Promise.reject(new Error('once'))))) : NEVER;
    });
    system.spawn(logic, { id: 'worker', input: { shard: 7 } });
    await advance(10_000);
    await advance(10_000);
    expect(seen).toEqual([
      { input: { shard: 7 }, id: 'worker', path: '/worker', incarnation: 1 },
      { input: { shard: 7 }, id: 'worker', path: '/worker', incarnation: 2 },
    ]);
  });

  test('stops its children, the latest first, before it is down or starts again', async () => {
    const { system, settle, advance } = startTestSystem();
    const ended: string[] = [];
    const leaf = defineActor<never>((_, { id, signal }) => {
      signal.addEventListener('abort', () => ended.push(id));
      return NEVER;
    });
    const parent = defineActor<string>((inbox$, { spawn }) => {
      spawn(leaf, { id: 'one' });
      spawn(leaf, { id: 'two' });
      return inbox$.pipe(mergeMap((text) => throwError(() => new Error(text))));
    });
    const ref = system.spawn(parent, { id: 'parent', mailbox: { poisonAfter: 1 } });
    expect(system.snapshot()[0]?.children.map(({ path }) => path)).toEqual(['/parent/one', '/parent/two']);
    ref.tell('boom');
    await settle();
    expect(ended).toEqual(['two', 'one']);
    await advance(10_000);
    expect(system.snapshot()[0]?.children).toHaveLength(2);
    await ref.stop();
    expect(ended).toEqual(['two', 'one', 'two', 'one']);
  });

  test('can be watched to its end, also after it', async () => {
    const { system, settle } = startTestSystem();
    const ref = system.spawn(
      defineActor<number>((inbox$) => inbox$.pipe(mergeMap(() => throwError(() => new Error('gone'))))),
      { id: 'mortal', restart: 'temporary' },
    );
    const before = collect(watch(ref));
    ref.tell(1);
    await settle();
    const exit = { kind: 'crashed', error: new Error('gone') };
    expect(before).toEqual([exit, 'end']);
    expect(collect(watch(ref))).toEqual([exit, 'end']);
  });

  test('tells an abnormal end as an error to who asks for it', async () => {
    const { system, settle } = startTestSystem();
    const ref = system.spawn(shout, { id: 'shout', restart: 'temporary' });
    const seen: unknown[] = [];
    ref.out$
      .pipe(orThrow(ref))
      .subscribe({ next: (text) => seen.push(text), error: (error: unknown) => seen.push(error) });
    ref.tell('a');
    ref.tell('boom');
    await settle();
    expect(seen).toEqual(['A', new Error('boom')]);
    const quiet = system.spawn(shout, { id: 'quiet' });
    const end = collect(quiet.out$.pipe(orThrow(quiet)));
    await quiet.stop();
    expect(end).toEqual(['end']);
  });

  test('does not outlive its stop through a source that never completes', async () => {
    const { system, settle } = startTestSystem();
    const ref = system.spawn(
      defineActor<number, number>((inbox$) => merge(inbox$, interval(60_000))),
      { id: 'ticker' },
    );
    const stopped = ref.stop();
    await settle();
    expect(await stopped).toEqual({ kind: 'shutdown' });
  });

  test('rejects options that make no sense, at the call', () => {
    const { system } = startTestSystem();
    const bad = [
      { id: '' },
      { id: 'a/b' },
      { id: 'x', graceMs: -1 },
      { id: 'x', mailbox: { maxMessages: 0 } },
      { id: 'x', mailbox: { poisonAfter: 0 } },
      { id: 'x', restart: 'permanent', significant: true },
    ] as const;
    for (const options of bad) {
      expect(() => system.spawn(shout, options)).toThrow(expect.objectContaining({ code: 'invalid_argument' }));
    }
    system.spawn(shout, { id: 'x' });
    expect(() => system.spawn(shout, { id: 'x' })).toThrow(expect.objectContaining({ code: 'name_taken' }));
  });
});
