import { filter, map, merge, mergeMap, Observable, of } from 'rxjs';
import { describe, expect, test } from 'vitest';
import { defineActor } from '../../../src/actors/index.ts';
import { collect, deferred, startTestSystem } from './support.ts';

/** Work that waits for the test, by message. */
class Bench {
  readonly started: string[] = [];
  readonly #jobs = new Map<string, ReturnType<typeof deferred<string>>>();

  readonly work = (message: string): Promise<string> => {
    this.started.push(message);
    const job = deferred<string>();
    this.#jobs.set(message, job);
    return job.promise;
  };

  finish(message: string): void {
    this.#jobs.get(message)?.resolve(`${message}!`);
  }

  fail(message: string): void {
    this.#jobs.get(message)?.reject(new Error(message));
  }
}

describe('handle', () => {
  test('takes messages from the mailbox as fast as their work is done', async () => {
    const { system, settle } = startTestSystem();
    const bench = new Bench();
    const ref = system.spawn(
      defineActor<string, string>((inbox$, { handle }) => inbox$.pipe(handle(bench.work, { concurrency: 2 }))),
      { id: 'a' },
    );
    const seen = collect(ref.out$);
    for (const text of ['1', '2', '3', '4']) ref.tell(text);
    await settle();
    expect(bench.started).toEqual(['1', '2']);
    expect(ref.depth).toBe(2);
    bench.finish('2');
    await settle();
    expect(bench.started).toEqual(['1', '2', '3']);
    expect(seen).toEqual(['2!']);
    for (const text of ['1', '3']) bench.finish(text);
    await settle();
    bench.finish('4');
    await settle();
    expect(seen).toEqual(['2!', '1!', '3!', '4!']);
  });

  test('delivers what was under way again after a crash, in its order, and sets aside what failed twice', async () => {
    const { system, settle, advance, deadLetters } = startTestSystem();
    const bench = new Bench();
    const ref = system.spawn(
      defineActor<string, string>((inbox$, { handle }) => inbox$.pipe(handle(bench.work, { concurrency: 3 }))),
      { id: 'a' },
    );
    for (const text of ['1', 'bad', '3', '4']) ref.tell(text);
    await settle();
    bench.fail('bad');
    await settle();
    await advance(10_000);
    expect(bench.started).toEqual(['1', 'bad', '3', '1', 'bad', '3']);
    expect(deadLetters).toEqual([]);
    bench.fail('bad');
    await settle();
    await advance(10_000);
    expect(deadLetters).toEqual([{ reason: 'poison', path: '/a', message: 'bad', error: new Error('bad') }]);
    expect(bench.started.slice(6)).toEqual(['1', '3', '4']);
  });

  test('lets the body live on without the message if decide says resume', async () => {
    const { system, settle, crashes, deadLetters } = startTestSystem();
    const bench = new Bench();
    let bodies = 0;
    const ref = system.spawn(
      defineActor<string, string>((inbox$, { handle }) => {
        bodies += 1;
        return inbox$.pipe(handle(bench.work));
      }),
      { id: 'a', decide: () => 'resume' },
    );
    const seen = collect(ref.out$);
    ref.tell('bad');
    ref.tell('good');
    await settle();
    bench.fail('bad');
    await settle();
    bench.finish('good');
    await settle();
    expect(seen).toEqual(['good!']);
    expect(bodies).toBe(1);
    expect(crashes).toHaveLength(1);
    expect(deadLetters.map(({ reason, message }) => [reason, message])).toEqual([['skipped', 'bad']]);
  });

  test('waits for what is under way when the actor is stopped, and hands over what is not done in time', async () => {
    const { system, settle, advance, deadLetters } = startTestSystem();
    const bench = new Bench();
    const logic = defineActor<string, string>((inbox$, { handle }) => inbox$.pipe(handle(bench.work)));
    const patient = system.spawn(logic, { id: 'patient' });
    const seen = collect(patient.out$);
    patient.tell('1');
    patient.tell('2');
    await settle();
    const stopped = patient.stop({ graceMs: 1000 });
    await settle();
    expect(patient.lifecycle$.value.kind).toBe('stopping');
    bench.finish('1');
    await settle();
    expect(await stopped).toEqual({ kind: 'shutdown' });
    expect(seen).toEqual(['1!', 'end']);
    expect(deadLetters.map(({ reason, message }) => [reason, message])).toEqual([['stopped', '2']]);

    const hasty = system.spawn(logic, { id: 'hasty' });
    hasty.tell('3');
    await settle();
    const cut = hasty.stop({ graceMs: 1000 });
    await advance(1000);
    expect(await cut).toEqual({ kind: 'shutdown' });
    expect(deadLetters.at(-1)).toMatchObject({ reason: 'abandoned', path: '/hasty', message: '3' });
  });

  test('handles what waits before it stops, if it is told to drain', async () => {
    const { system, settle, deadLetters } = startTestSystem();
    const bench = new Bench();
    const ref = system.spawn(
      defineActor<string, string>((inbox$, { handle }) => inbox$.pipe(handle(bench.work))),
      { id: 'a' },
    );
    const seen = collect(ref.out$);
    for (const text of ['1', '2']) ref.tell(text);
    await settle();
    const stopped = ref.stop({ drain: true });
    ref.tell('late');
    for (const text of ['1', '2']) {
      bench.finish(text);
      await settle();
    }
    await stopped;
    expect(seen).toEqual(['1!', '2!', 'end']);
    expect(deadLetters).toEqual([{ reason: 'stopped', path: '/a', message: 'late' }]);
  });

  test('counts a message as handled when all that it became is done', async () => {
    const { system, settle, advance } = startTestSystem();
    const bench = new Bench();
    const ref = system.spawn(
      defineActor<string, string>((inbox$, { handle }) =>
        inbox$.pipe(
          mergeMap((text) => of(`${text}a`, `${text}b`)),
          handle(bench.work),
        ),
      ),
      { id: 'a' },
    );
    ref.tell('1');
    await settle();
    bench.finish('1a');
    await settle();
    bench.fail('1b');
    await settle();
    await advance(10_000);
    expect(bench.started).toEqual(['1a', '1b', '1a']);
  });

  test('takes work without output, as a function, a promise or a stream', async () => {
    const { system, settle } = startTestSystem();
    const done: string[] = [];
    const logic = defineActor<string, string>((inbox$, { handle }) =>
      merge(
        inbox$.pipe(
          filter((text) => text === 'function'),
          handle((text) => {
            done.push(text);
          }),
        ),
        inbox$.pipe(
          filter((text) => text === 'promise'),
          handle(async (text) => {
            await Promise.resolve();
            done.push(text);
          }),
        ),
        inbox$.pipe(
          filter((text) => text === 'stream'),
          handle((text) => of(text, `${text} again`).pipe(map((item) => item.toUpperCase()))),
        ),
      ),
    );
    const ref = system.spawn(logic, { id: 'a' });
    const seen = collect(ref.out$);
    for (const text of ['function', 'promise', 'stream']) ref.tell(text);
    await settle();
    expect(done).toEqual(['function', 'promise']);
    expect(seen).toEqual(['STREAM', 'STREAM AGAIN']);
  });

  test('cancels the work of a life that is over', async () => {
    const { system, settle } = startTestSystem();
    let cancelled = 0;
    const ref = system.spawn(
      defineActor<string, string>((inbox$, { handle }) =>
        inbox$.pipe(handle((text) => (text === 'x' ? new Observable<string>(() => () => (cancelled += 1)) : of(text)))),
      ),
      { id: 'a', graceMs: 0 },
    );
    ref.tell('x');
    await settle();
    await ref.stop();
    expect(cancelled).toBe(1);
  });
});
