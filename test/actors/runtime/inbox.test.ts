import { concat, ignoreElements, merge, repeat, Subject, take, tap, toArray } from 'rxjs';
import { describe, expect, test } from 'vitest';
import { defineActor } from '../../../src/actors/index.ts';
import { collect, startTestSystem } from './support.ts';

describe('an inbox', () => {
  test('gives each of several subscribers every message, in the order of their coming', async () => {
    const { system, settle } = startTestSystem();
    const log: string[] = [];
    const note = (who: string) => tap<string>((text) => log.push(`${who}${text}`));
    const both = defineActor<string, string>((inbox$) =>
      merge(inbox$.pipe(note('first ')), inbox$.pipe(note('second '))),
    );
    const ref = system.spawn(both, { id: 'both' });
    ref.tell('a');
    ref.tell('b');
    await settle();
    expect(log).toEqual(['first a', 'second a', 'first b', 'second b']);
  });

  test('keeps messages while nobody is subscribed, and goes on with the next subscriber', async () => {
    const { system, settle } = startTestSystem();
    const resume$ = new Subject<void>();
    const pairs = defineActor<string, string[]>((inbox$) =>
      inbox$.pipe(take(2), toArray(), repeat({ delay: () => resume$ })),
    );
    const ref = system.spawn(pairs, { id: 'pairs' });
    const seen = collect(ref.out$);
    for (const text of ['a', 'b', 'c', 'd', 'e']) ref.tell(text);
    await settle();
    expect(seen).toEqual([['a', 'b']]);
    expect(ref.depth).toBe(3);
    resume$.next();
    await settle();
    expect(seen).toEqual([
      ['a', 'b'],
      ['c', 'd'],
    ]);
    expect(ref.depth).toBe(1);
  });

  test('shows a subscriber that comes during a delivery the next message, and each once', async () => {
    const { system, settle } = startTestSystem();
    // Subscribes anew from inside of each delivery.
    const one = defineActor<string, string>((inbox$) => inbox$.pipe(take(1), repeat()));
    const ref = system.spawn(one, { id: 'one' });
    const seen = collect(ref.out$);
    const texts = Array.from({ length: 100 }, (_, index) => `${index}`);
    for (const text of texts) ref.tell(text);
    await settle();
    expect(seen).toEqual(texts);
  });

  test('completes, when the actor is told to stop, also for who subscribes after that', async () => {
    const { system, settle } = startTestSystem();
    const log: string[] = [];
    const late = defineActor<string, string>((inbox$) =>
      concat(inbox$.pipe(ignoreElements()), inbox$.pipe(tap({ complete: () => log.push('late') }))),
    );
    const ref = system.spawn(late, { id: 'late' });
    const stopped = ref.stop();
    await settle();
    expect(await stopped).toEqual({ kind: 'shutdown' });
    expect(log).toEqual(['late']);
  });
});
