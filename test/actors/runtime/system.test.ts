import { map, mergeMap, NEVER, of, throwError } from 'rxjs';
import { describe, expect, test } from 'vitest';
import {
  type ActorRef,
  createSystem,
  defineActor,
  type InspectionEvent,
  type ReplyTo,
} from '../../../src/actors/index.ts';
import { collect, startTestSystem } from './support.ts';

type Question = { readonly kind: 'answer' | 'fail' | 'crash' | 'silence' | 'twice'; readonly reply: ReplyTo<number> };

const oracle = defineActor<Question>((inbox$) =>
  inbox$.pipe(
    mergeMap(({ kind, reply }) => {
      if (kind === 'answer' || kind === 'twice') reply.next(42);
      if (kind === 'twice') reply.next(43);
      if (kind === 'fail') reply.error(new Error('unknown'));
      return kind === 'crash' ? throwError(() => new Error('crash')) : of();
    }),
  ),
);

const TIMEOUT = { timeoutMs: 1000 };
const ask = (ref: ActorRef<Question>, kind: Question['kind'], signal?: AbortSignal): Promise<number> =>
  ref.ask<number>((reply) => ({ kind, reply }), signal === undefined ? TIMEOUT : { ...TIMEOUT, signal });

describe('ask', () => {
  test('resolves with the answer, or rejects with the error that the actor answers', async () => {
    const { system, deadLetters } = startTestSystem();
    const ref = system.spawn(oracle, { id: 'oracle' });
    expect(await ask(ref, 'answer')).toBe(42);
    await expect(ask(ref, 'fail')).rejects.toThrow('unknown');
    expect(await ask(ref, 'twice')).toBe(42);
    expect(deadLetters).toEqual([{ reason: 'lateReply', path: '/oracle', message: 43 }]);
  });

  test('settles in every case: in time, on stop, on poison, when the mailbox is full, when it is aborted', async () => {
    const { system, settle, advance } = startTestSystem();
    const ref = system.spawn(oracle, { id: 'oracle', mailbox: { poisonAfter: 1, maxMessages: 2 } });
    const silent = ask(ref, 'silence');
    await settle();
    const tooLate = expect(silent).rejects.toMatchObject({ code: 'ask_timeout' });
    await advance(1000);
    await tooLate;
    const poison = ask(ref, 'crash');
    const poisoned = expect(poison).rejects.toMatchObject({ code: 'message_poisoned' });
    await settle();
    await poisoned;

    const controller = new AbortController();
    const aborted = ask(ref, 'silence', controller.signal);
    const waiting = ask(ref, 'silence');
    await expect(ask(ref, 'answer')).rejects.toMatchObject({ code: 'mailbox_full' });
    controller.abort(new Error('enough'));
    await expect(aborted).rejects.toThrow('enough');
    const stopped = expect(waiting).rejects.toMatchObject({ code: 'actor_stopped' });
    await ref.stop();
    await stopped;
    await expect(ask(ref, 'answer')).rejects.toMatchObject({ code: 'actor_stopped' });
  });

  test('needs a time that ends', () => {
    const { system } = startTestSystem();
    const ref = system.spawn(oracle, { id: 'oracle' });
    for (const timeoutMs of [0, -1, Number.NaN, Number.POSITIVE_INFINITY]) {
      expect(() => ref.ask((reply) => ({ kind: 'answer', reply }), { timeoutMs })).toThrow(
        expect.objectContaining({ code: 'invalid_argument' }),
      );
    }
  });
});

describe('the registry', () => {
  test('knows actors by name, and shows who comes and goes', async () => {
    const { system } = startTestSystem();
    const { registry } = system;
    const seen = collect(registry.watch('clock').pipe(map((ref) => ref?.path)));
    const idle = defineActor(() => NEVER);
    const first = system.spawn(idle, { id: 'first', name: 'clock' });
    expect(registry.get('clock')).toBe(first);
    expect(() => system.spawn(idle, { id: 'second', name: 'clock' })).toThrow(
      expect.objectContaining({ code: 'name_taken' }),
    );
    expect(registry.names$.value).toEqual(['clock']);
    await first.stop();
    expect(registry.get('clock')).toBeUndefined();
    system.spawn(idle, { id: 'second', name: 'clock' });
    await system.shutdown();
    expect(seen).toEqual([undefined, '/first', undefined, '/second', undefined, 'end']);
  });
});

describe('a system', () => {
  test('stops everything, the latest first, and tells what it left undone', async () => {
    const { system, settle, clock } = startTestSystem();
    const order: string[] = [];
    const note = defineActor<string>((inbox$, { id, signal, handle }) => {
      signal.addEventListener('abort', () => order.push(id));
      return inbox$.pipe(handle(() => NEVER));
    });
    for (const id of ['first', 'busy', 'last']) system.spawn(note, { id });
    const busy = system.registry;
    expect(busy.names$.value).toEqual([]);
    const ref = system.spawn(note, { id: 'waiting' });
    ref.tell('under way');
    ref.tell('queued');
    await settle();
    const report = system.shutdown({ deadlineMs: 1000 });
    expect(system.shutdown()).toBe(report);
    await settle();
    clock.advance(1000);
    expect(await report).toEqual({
      abandoned: [{ path: '/waiting', inFlight: 1, queued: 1 }],
      isDeadlineOver: true,
    });
    expect(order).toEqual(['waiting', 'last', 'busy', 'first']);
    expect(() => system.spawn(note, { id: 'after' })).toThrow(expect.objectContaining({ code: 'actor_stopped' }));
  });

  test('ends with the block that uses it', async () => {
    let stopped = false;
    {
      await using system = createSystem();
      system.spawn(
        defineActor((_, { signal }) => {
          signal.addEventListener('abort', () => (stopped = true));
          return NEVER;
        }),
        { id: 'a' },
      );
    }
    expect(stopped).toBe(true);
  });

  test('tells what happens without payloads, numbered without holes', async () => {
    const { system, settle } = startTestSystem();
    const events: InspectionEvent[] = [];
    system.inspect$.subscribe((event) => events.push(event));
    const ref = system.spawn(
      defineActor<string>((inbox$) => inbox$.pipe(mergeMap((text) => throwError(() => new Error(text.slice(0, 4)))))),
      { id: 'a', mailbox: { poisonAfter: 1 } },
    );
    ref.tell('top secret');
    await settle();
    expect(events.map((event) => (event.kind === 'lifecycle' ? event.lifecycle : event.kind))).toEqual([
      'spawned',
      'starting',
      'running',
      'crashed',
      'deadLetter',
      'backingOff',
      'backingOff',
    ]);
    const [first] = events;
    expect(events.map(({ id }) => id - (first?.id ?? 0))).toEqual([0, 1, 2, 3, 4, 5, 6]);
    expect(JSON.stringify(events)).not.toContain('secret');
  });

  test('warns of a crash once, if nobody else is told', async () => {
    const warnings: Error[] = [];
    const listen = (warning: Error): number => warnings.push(warning);
    process.on('warning', listen);
    const system = createSystem();
    const ref = system.spawn(
      defineActor<string>((inbox$) => inbox$.pipe(mergeMap((text) => throwError(() => new Error(text))))),
      { id: 'loud', restart: 'temporary' },
    );
    ref.tell('boom');
    await new Promise<void>((resolve) => ref.lifecycle$.subscribe({ complete: resolve }));
    await new Promise((resolve) => void setImmediate(resolve));
    process.off('warning', listen);
    expect(warnings.map(({ name, message }) => `${name}: ${message}`)).toEqual([
      'ActorCrash: actor /loud (incarnation 1) crashed: Error: boom',
    ]);
    await system.shutdown();
  });
});
