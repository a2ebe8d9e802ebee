import { mergeMap, NEVER, of, throwError } from 'rxjs';
import { describe, expect, test } from 'vitest';
import { type ActorRef, child, defineActor, supervisor } from '../../../src/actors/index.ts';
import { lives, startTestSystem } from './support.ts';

const crasher = defineActor<string>((inbox$) =>
  inbox$.pipe(mergeMap((text) => (text === 'crash' ? throwError(() => new Error(text)) : of()))),
);

/** Eleven ways in which another actor runtime has failed its users, one test each. */
describe('does not do what other runtimes did:', () => {
  test('leave an immortal zombie behind when the start throws', async () => {
    const { system } = startTestSystem();
    const ref = system.spawn(
      defineActor(() => {
        throw new Error('no start');
      }),
      { id: 'zombie' },
    );
    await expect(ref.ready).rejects.toThrow('no start');
    expect(ref.lifecycle$.value).toMatchObject({ kind: 'stopped', exit: { kind: 'crashed' } });
    expect(system.snapshot()).toEqual([]);
    expect(await ref.stop()).toMatchObject({ kind: 'crashed' });
  });

  test('spin a core when an actor stops with a message in its mailbox', async () => {
    const { system, settle } = startTestSystem();
    let turns = 0;
    const ref = system.spawn(
      defineActor<string>((inbox$, { handle }) => inbox$.pipe(handle(() => NEVER))),
      { id: 'a' },
    );
    for (let count = 0; count < 100; count += 1) ref.tell('x');
    await settle();
    void ref.stop({ graceMs: 1000 });
    const immediates = (): number => process.getActiveResourcesInfo().filter((kind) => kind === 'Immediate').length;
    for (; turns < 50; turns += 1) {
      await settle();
      if (immediates() > 0) break;
    }
    expect(turns).toBe(50);
  });

  test('crash in a loop without a word', async () => {
    const { system, advance, crashes } = startTestSystem();
    const ref = system.spawn(
      defineActor((_, { incarnation }) =>
        incarnation === 1
          ? of(1).pipe(mergeMap(() => Promise.reject(new Error('1'))))
          : throwError(() => new Error(String(incarnation))),
      ),
      { id: 'loop', budget: { restarts: 3, withinMs: 600_000 } },
    );
    const states = lives(ref);
    for (let restart = 0; restart < 6; restart += 1) await advance(10_000);
    expect(crashes.map(({ incarnation }) => incarnation)).toEqual([1, 2, 3, 4]);
    expect(states.at(-1)).toBe('stopped');
    expect(ref.lifecycle$.value).toMatchObject({ exit: { kind: 'restartLimit', crashes: { length: 4 } } });
  });

  test('spend the budget of one sibling on another', async () => {
    const { system, advance, settle } = startTestSystem();
    const ids = ['a', 'b', 'c', 'd', 'e'];
    const options = (id: string) => ({ id, name: id, budget: { restarts: 1 }, mailbox: { poisonAfter: 1 } });
    const top = system.spawn(supervisor({ children: ids.map((id) => child(crasher, options(id))) }), { id: 'top' });
    for (const id of ids) {
      system.registry.get<string>(id)?.tell('crash');
      await settle();
    }
    await advance(10_000);
    expect(system.snapshot()[0]?.children.map(({ lifecycle }) => lifecycle)).toEqual(ids.map(() => 'running'));
    expect(top.lifecycle$.value).toMatchObject({ kind: 'running', incarnation: 1 });
  });

  test('throw into the sender when the receiver is slow', () => {
    const { system } = startTestSystem();
    const ref = system.spawn(crasher, { id: 'slow', mailbox: { maxMessages: 1 } });
    expect(() => {
      for (let count = 0; count < 100; count += 1) ref.tell('x');
    }).not.toThrow();
  });

  test('evict control messages when the mailbox is full', async () => {
    const { system } = startTestSystem();
    const ref = system.spawn(crasher, { id: 'full', mailbox: { maxMessages: 1, overflow: 'dropOldest' } });
    for (let count = 0; count < 100; count += 1) ref.tell('x');
    const stopped = ref.stop();
    for (let count = 0; count < 100; count += 1) ref.tell('x');
    expect(await stopped).toEqual({ kind: 'shutdown' });
  });

  test('drop the stash in silence on stop', async () => {
    const { system, settle, deadLetters } = startTestSystem();
    const ref = system.spawn(
      defineActor<string>((inbox$, { stash }) =>
        inbox$.pipe(
          mergeMap(() => {
            stash();
            return of();
          }),
        ),
      ),
      { id: 'a' },
    );
    for (const text of ['1', '2']) ref.tell(text);
    await settle();
    await ref.stop();
    expect(deadLetters.map(({ reason, message }) => `${reason} ${String(message)}`)).toEqual([
      'stopped 1',
      'stopped 2',
    ]);
  });

  test('take a timeout of zero for one that never comes', () => {
    const { system } = startTestSystem();
    const ref: ActorRef<string> = system.spawn(crasher, { id: 'a' });
    expect(() => ref.ask(() => 'x', { timeoutMs: 0 })).toThrow(/timeoutMs/);
  });

  test('leave callers waiting for ever after a drop', async () => {
    const { system, settle } = startTestSystem();
    const ref = system.spawn(crasher, { id: 'a', mailbox: { maxMessages: 1 }, restart: 'temporary' });
    const asked = [0, 1, 2].map(() => ref.ask(() => 'x', { timeoutMs: 60_000 }));
    const put = ref.put('y');
    const outcomes = Promise.allSettled([...asked, put]);
    void ref.stop();
    await settle();
    expect((await outcomes).map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected', 'rejected']);
  });

  test('give a slow drain up and say nothing', async () => {
    const { system, settle, clock } = startTestSystem();
    const ref = system.spawn(
      defineActor<string>((inbox$, { handle }) => inbox$.pipe(handle(() => NEVER))),
      { id: 'slow', graceMs: 60_000 },
    );
    ref.tell('x');
    await settle();
    const report = system.shutdown({ deadlineMs: 500 });
    await settle();
    clock.advance(500);
    expect(await report).toEqual({ abandoned: [{ path: '/slow', inFlight: 1, queued: 0 }], isDeadlineOver: true });
  });

  test('ship strategies that no test runs', async () => {
    // A wrong answer of any one of them shows: each strategy leaves another set of lives behind.
    const lifeCounts: Record<string, (number | undefined)[]> = {};
    for (const strategy of ['oneForOne', 'oneForAll', 'restForOne'] as const) {
      const { system, settle, advance } = startTestSystem();
      const ids = ['a', 'b', 'c'];
      const children = ids.map((id) => child(crasher, { id, name: id, mailbox: { poisonAfter: 1 } }));
      system.spawn(supervisor({ strategy, children }), { id: 'top' });
      system.registry.get<string>('b')?.tell('crash');
      await settle();
      await advance(10_000);
      lifeCounts[strategy] = system.snapshot()[0]?.children.map(({ incarnation }) => incarnation) ?? [];
    }
    expect(lifeCounts).toEqual({ oneForOne: [1, 2, 1], oneForAll: [2, 2, 2], restForOne: [1, 2, 2] });
  });
});
