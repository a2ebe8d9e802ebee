import { mergeMap, of, tap, throwError } from 'rxjs';
import { describe, expect, test } from 'vitest';
import { defineActor } from '../../../src/actors/index.ts';
import { collect, deferred, startTestSystem } from './support.ts';

const echo = defineActor<string, string>((inbox$) => inbox$);

/** Handles nothing until the test lets it. */
function gated(gate: Promise<unknown>) {
  return defineActor<string, string>((inbox$, { handle }) => inbox$.pipe(handle((text) => gate.then(() => text))));
}

describe('the mailbox of an actor', () => {
  test('is bounded in messages: what is too much is a dead letter, and tell does not throw', async () => {
    const { system, settle, deadLetters } = startTestSystem();
    const ref = system.spawn(echo, { id: 'a', mailbox: { maxMessages: 2 } });
    const seen = collect(ref.out$);
    for (const text of ['1', '2', '3']) ref.tell(text);
    await settle();
    expect(seen).toEqual(['1', '2']);
    expect(deadLetters).toEqual([{ reason: 'overflow', path: '/a', message: '3' }]);
  });

  test('is bounded in bytes, and lets one that is larger than all of it in alone', async () => {
    const { system, settle, deadLetters } = startTestSystem();
    const ref = system.spawn(echo, { id: 'a', mailbox: { maxBytes: 8 } });
    const seen = collect(ref.out$);
    ref.tell('much too long');
    ref.tell('2');
    await settle();
    for (const text of ['12', '34', '5']) ref.tell(text);
    await settle();
    expect(seen).toEqual(['much too long', '12', '34']);
    expect(deadLetters.map(({ message }) => message)).toEqual(['2', '5']);
  });

  test('drops the oldest, or crashes, if it is told to', async () => {
    const { system, settle, deadLetters } = startTestSystem();
    const oldest = system.spawn(echo, { id: 'oldest', mailbox: { maxMessages: 2, overflow: 'dropOldest' } });
    const seen = collect(oldest.out$);
    for (const text of ['1', '2', '3']) oldest.tell(text);
    await settle();
    expect(seen).toEqual(['2', '3']);
    const crash = system.spawn(echo, {
      id: 'crash',
      mailbox: { maxMessages: 1, overflow: 'crash' },
      restart: 'temporary',
    });
    for (const text of ['1', '2']) crash.tell(text);
    await settle();
    expect(crash.lifecycle$.value).toMatchObject({
      kind: 'stopped',
      exit: { kind: 'crashed', error: { code: 'mailbox_full' } },
    });
    expect(deadLetters.map(({ reason, message }) => `${reason} ${String(message)}`)).toEqual([
      'overflow 1',
      'overflow 2',
      'stopped 1',
    ]);
  });

  test('lets put wait for room, in order, until it is aborted or the actor stops', async () => {
    const { system, settle } = startTestSystem();
    const gate = deferred();
    const ref = system.spawn(gated(gate.promise), { id: 'a', mailbox: { maxMessages: 1 } });
    const seen = collect(ref.out$);
    ref.tell('1');
    await settle(); // under way, so the mailbox is empty
    ref.tell('2');
    const third = ref.put('3');
    const aborted = new AbortController();
    const fourth = ref.put('4', aborted.signal);
    aborted.abort(new Error('changed my mind'));
    await expect(fourth).rejects.toThrow('changed my mind');
    gate.resolve(undefined);
    await third;
    await settle();
    expect(seen).toEqual(['1', '2', '3']);

    const stuck = system.spawn(gated(new Promise(() => undefined)), {
      id: 'b',
      mailbox: { maxMessages: 1 },
      graceMs: 0,
    });
    stuck.tell('1');
    await settle();
    stuck.tell('2');
    const waiting = stuck.put('3');
    void stuck.stop();
    await expect(waiting).rejects.toMatchObject({ code: 'actor_stopped' });
    await expect(stuck.put('4')).rejects.toMatchObject({ code: 'actor_stopped' });
  });

  test('gives a message back after a crash, and sets it aside with its payload after the second one', async () => {
    const { system, settle, advance, deadLetters } = startTestSystem();
    const seen: string[] = [];
    const poison = { text: 'poison' };
    const ref = system.spawn(
      defineActor<{ text: string }, string>((inbox$) =>
        inbox$.pipe(
          tap(({ text }) => seen.push(text)),
          mergeMap(({ text }) => (text === 'poison' ? throwError(() => new Error(text)) : of(text))),
        ),
      ),
      { id: 'a' },
    );
    ref.tell(poison);
    ref.tell({ text: 'next' });
    await settle();
    expect(deadLetters).toEqual([]);
    await advance(10_000);
    await advance(10_000);
    expect(seen).toEqual(['poison', 'poison', 'next']);
    expect(deadLetters).toEqual([{ reason: 'poison', path: '/a', message: poison, error: new Error('poison') }]);
    expect(deadLetters[0]?.message).toBe(poison);
  });

  test('takes back in order what the actor has stashed, also after a crash', async () => {
    const { system, settle, advance } = startTestSystem();
    const ref = system.spawn(
      defineActor<string, string>((inbox$, { stash, unstash, incarnation }) =>
        inbox$.pipe(
          mergeMap((text) => {
            if (text === 'open') {
              unstash();
              return of(`open ${incarnation}`);
            }
            if (text === 'crash') return throwError(() => new Error(text));
            if (text.startsWith('later') && incarnation === 1) {
              stash();
              return of();
            }
            return of(text);
          }),
        ),
      ),
      { id: 'a', mailbox: { poisonAfter: 1 } },
    );
    const seen = collect(ref.out$);
    for (const text of ['later 1', 'now', 'later 2', 'crash', 'open', 'last']) ref.tell(text);
    await settle();
    expect(system.snapshot()[0]).toMatchObject({ stashed: 2, depth: 2 });
    await advance(10_000);
    expect(seen).toEqual(['now', 'open 2', 'later 1', 'later 2', 'last']);
  });

  test('refuses to stash beyond its limit, and without a message', async () => {
    const { system, settle, crashes } = startTestSystem();
    const ref = system.spawn(
      defineActor<string>((inbox$, { stash }) => inbox$.pipe(mergeMap(() => (stash(), of())))),
      { id: 'a', mailbox: { maxStashed: 1 }, restart: 'temporary' },
    );
    ref.tell('1');
    ref.tell('2');
    await settle();
    expect(crashes.map(({ error }) => error)).toEqual([expect.objectContaining({ code: 'mailbox_full' })]);
    const eager = system.spawn(
      defineActor((_, { stash }) => {
        stash();
        return of();
      }),
      { id: 'b' },
    );
    await expect(eager.ready).rejects.toMatchObject({ code: 'invalid_argument' });
  });

  test('shares the turns of the event loop: a flood at one actor does not hold up another', async () => {
    const { system, settle } = startTestSystem();
    const order: string[] = [];
    const noting = defineActor<string>((inbox$, { id }) => inbox$.pipe(mergeMap(() => (order.push(id), of()))));
    const flooded = system.spawn(noting, { id: 'flooded' });
    const other = system.spawn(noting, { id: 'other' });
    for (let count = 0; count < 1000; count += 1) flooded.tell('x');
    other.tell('x');
    await settle();
    await settle();
    expect(order.indexOf('other')).toBe(32);
    expect(order).toHaveLength(1001);
  });
});
