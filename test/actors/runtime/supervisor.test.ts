import { ignoreElements, mergeMap, NEVER, of, take, throwError } from 'rxjs';
import { describe, expect, test } from 'vitest';
import {
  type ActorRef,
  child,
  type ChildOptions,
  type ChildSpec,
  defineActor,
  type Strategy,
  supervisor,
  type SupervisorSpec,
} from '../../../src/actors/index.ts';
import { startTestSystem, type TestSystem } from './support.ts';

type Order = 'crash' | 'end';

/** Children a, b and c that do what they are told and note when they start (`+a`) and end (`-a`). */
class Family {
  readonly log: string[] = [];
  readonly #world: TestSystem;

  constructor(world: TestSystem) {
    this.#world = world;
  }

  child(id: string, options: ChildOptions = {}): ChildSpec {
    const logic = defineActor<Order>((inbox$, { signal }) => {
      this.log.push(`+${id}`);
      signal.addEventListener('abort', () => this.log.push(`-${id}`));
      return inbox$.pipe(
        mergeMap((order) => (order === 'crash' ? throwError(() => new Error(id)) : of(order))),
        take(1),
        ignoreElements(),
      );
    });
    return child(logic, { id, name: id, mailbox: { poisonAfter: 1 }, ...options });
  }

  start(spec: Omit<SupervisorSpec, 'children'>, children: readonly ChildSpec[], options: ChildOptions = {}): ActorRef {
    return this.#world.system.spawn(supervisor({ ...spec, children }), { id: 'top', ...options });
  }

  /** Gives an order, and lets all that follows from it happen, restarts included. */
  async tell(id: string, order: Order, restartMs = 10_000): Promise<void> {
    this.#world.system.registry.get<Order>(id)?.tell(order);
    await this.#world.settle();
    if (restartMs > 0) await this.#world.advance(restartMs);
  }

  /** What was noted since the last call. */
  get news(): string {
    return this.log.splice(0).join(' ');
  }
}

describe('a supervisor', () => {
  test.each<[Strategy, string]>([
    ['oneForOne', '-b +b'],
    ['oneForAll', '-b -c -a +a +b +c'],
    ['restForOne', '-b -c +b +c'],
  ])('%s: takes down and starts again whom its strategy names, in order', async (strategy, expected) => {
    const family = new Family(startTestSystem());
    family.start(
      { strategy },
      ['a', 'b', 'c'].map((id) => family.child(id)),
    );
    expect(family.news).toBe('+a +b +c');
    await family.tell('b', 'crash');
    expect(family.news).toBe(expected);
  });

  test('stops its children in the reverse order of their start', async () => {
    const family = new Family(startTestSystem());
    const top = family.start({}, [family.child('a'), family.child('b'), family.child('c')]);
    await top.stop();
    expect(family.news).toBe('+a +b +c -c -b -a');
  });

  test.each<[ChildOptions['restart'], Order, string]>([
    ['permanent', 'crash', '-a +a'],
    ['permanent', 'end', '-a +a'],
    ['transient', 'crash', '-a +a'],
    ['transient', 'end', '-a'],
    ['temporary', 'crash', '-a'],
    ['temporary', 'end', '-a'],
  ])('a %s child that is told to %s: %s', async (restart, order, expected) => {
    const family = new Family(startTestSystem());
    family.start({}, [family.child('a', restart === undefined ? {} : { restart })]);
    await family.tell('a', order);
    expect(family.news).toBe(`+a ${expected}`);
  });

  test('waits longer before each restart, and short again after a quiet time', async () => {
    const world = startTestSystem();
    const family = new Family(world);
    family.start({}, [family.child('a', { backoff: { minMs: 100, maxMs: 10_000, jitter: 0, resetAfterMs: 5000 } })]);
    const delays: number[] = [];
    world.system.registry.get('a')?.lifecycle$.subscribe((state) => {
      if (state.kind === 'backingOff' && state.restartInMs > 0) delays.push(state.restartInMs);
    });
    for (const delay of [100, 200, 400]) await family.tell('a', 'crash', delay);
    await world.advance(5000);
    await family.tell('a', 'crash', 100);
    expect(delays).toEqual([100, 200, 400, 100]);
    expect(family.news).toBe('+a -a +a -a +a -a +a -a +a');
  });

  test('gives up when a child fails more often than its budget, and what is above decides', async () => {
    const world = startTestSystem();
    const family = new Family(world);
    const top = family.start(
      {},
      [family.child('a'), family.child('b', { budget: { restarts: 2, withinMs: 60_000 } })],
      { restart: 'temporary' },
    );
    for (let crash = 0; crash < 3; crash += 1) await family.tell('b', 'crash');
    expect(family.news).toBe('+a +b -b +b -b +b -b -a');
    expect(top.lifecycle$.value).toMatchObject({
      kind: 'stopped',
      exit: { kind: 'crashed', error: { code: 'restart_limit', cause: new Error('b') } },
    });
  });

  test('starts its children anew when it is restarted itself', async () => {
    const world = startTestSystem();
    const family = new Family(world);
    family.start({}, [family.child('a'), family.child('b', { budget: { restarts: 0 } })]);
    await family.tell('b', 'crash');
    expect(family.news).toBe('+a +b -b -a +a +b');
  });

  test('counts restarts of all its children together, if it has a budget of its own', async () => {
    const world = startTestSystem();
    const family = new Family(world);
    const top = family.start(
      { budget: { restarts: 2, withinMs: 100_000 } },
      ['a', 'b', 'c'].map((id) => family.child(id)),
      { restart: 'temporary' },
    );
    for (const id of ['a', 'b', 'c']) await family.tell(id, 'crash');
    expect(top.lifecycle$.value).toMatchObject({ kind: 'stopped', exit: { kind: 'crashed' } });
  });

  test('forgets crashes that lie outside of the window', async () => {
    const world = startTestSystem();
    const family = new Family(world);
    family.start({}, [family.child('a', { budget: { restarts: 1, withinMs: 1000 }, backoff: { maxMs: 500 } })]);
    for (let crash = 0; crash < 5; crash += 1) await family.tell('a', 'crash', 1500);
    expect(family.news).toBe('+a -a +a -a +a -a +a -a +a -a +a');
  });

  test.each([
    ['stop', '-b', 'running'],
    ['escalate', '-b -a', 'stopped'],
    ['resume', '-b +b', 'running'],
  ] as const)('does what decide says: %s', async (decision, expected, state) => {
    const world = startTestSystem();
    const family = new Family(world);
    const top = family.start({}, [family.child('a'), family.child('b', { decide: () => decision })], {
      restart: 'temporary',
    });
    await family.tell('b', 'crash', 0);
    expect(family.news).toBe(`+a +b ${expected}`);
    expect(top.lifecycle$.value.kind).toBe(state);
  });

  test('takes an error of decide as one that it cannot judge, and escalates', async () => {
    const world = startTestSystem();
    const family = new Family(world);
    const broken = (): never => {
      throw new Error('undecided');
    };
    const top = family.start({}, [family.child('a', { decide: broken })], { restart: 'temporary' });
    await family.tell('a', 'crash', 0);
    expect(top.lifecycle$.value.kind).toBe('stopped');
    expect(world.crashes.map(({ error }) => (error as Error).message)).toEqual(['a', 'undecided', 'a']);
  });

  test.each([
    ['never', 'running'],
    ['anySignificant', 'stopped'],
  ] as const)('autoShutdown %s: %s after the first significant child has ended', async (autoShutdown, state) => {
    const family = new Family(startTestSystem());
    const top = family.start({ autoShutdown }, [
      family.child('a', { significant: true }),
      family.child('b', { significant: true }),
      family.child('c'),
    ]);
    await family.tell('c', 'end');
    expect(top.lifecycle$.value.kind).toBe('running');
    await family.tell('a', 'end');
    expect(top.lifecycle$.value.kind).toBe(state);
  });

  test('autoShutdown allSignificant: ends normally with the last of them', async () => {
    const family = new Family(startTestSystem());
    const top = family.start({ autoShutdown: 'allSignificant' }, [
      family.child('a', { significant: true }),
      family.child('b', { significant: true }),
      family.child('c'),
    ]);
    await family.tell('b', 'end');
    expect(top.lifecycle$.value.kind).toBe('running');
    await family.tell('a', 'end');
    expect(top.lifecycle$.value).toMatchObject({ kind: 'stopped', exit: { kind: 'normal' } });
    expect(family.news).toBe('+a +b +c -b -a -c');
  });

  test('rolls back and fails when a child does not start', async () => {
    const world = startTestSystem();
    const family = new Family(world);
    const broken = defineActor<Order>(() => {
      throw new Error('cannot start');
    });
    const top = family.start({}, [family.child('a'), child(broken, { id: 'broken' }), family.child('c')]);
    await expect(top.ready).rejects.toThrow('cannot start');
    await world.settle();
    expect(family.news).toBe('+a -a');
    expect(top.lifecycle$.value).toMatchObject({ kind: 'stopped', exit: { kind: 'crashed' } });
  });

  test('starts, finds and stops children on request', async () => {
    const world = startTestSystem();
    const family = new Family(world);
    const top = world.system.spawn(supervisor({ children: [] }), { id: 'top' });
    const options = { timeoutMs: 1000 };
    const ref = await top.ask<ActorRef>((reply) => ({ kind: 'start', child: family.child('a'), reply }), options);
    expect(ref.path).toBe('/top/a');
    expect(await top.ask((reply) => ({ kind: 'find', id: 'a', reply }), options)).toBe(ref);
    const twice = top.ask((reply) => ({ kind: 'start', child: family.child('a'), reply }), options);
    await expect(twice).rejects.toMatchObject({ code: 'name_taken' });
    expect(await top.ask((reply) => ({ kind: 'stop', id: 'a', reply }), options)).toEqual({ kind: 'shutdown' });
    expect(await top.ask((reply) => ({ kind: 'find', id: 'a', reply }), options)).toBeUndefined();
    const unknown = top.ask((reply) => ({ kind: 'stop', id: 'a', reply }), options);
    await expect(unknown).rejects.toMatchObject({ code: 'invalid_argument' });
    expect(family.news).toBe('+a -a');
  });

  test('restarts a group once when several of it fail at the same moment', async () => {
    const world = startTestSystem();
    const family = new Family(world);
    family.start(
      { strategy: 'oneForAll' },
      ['a', 'b', 'c'].map((id) => family.child(id)),
    );
    for (const id of ['a', 'b', 'c']) world.system.registry.get<Order>(id)?.tell('crash');
    await world.settle();
    for (let restart = 0; restart < 4; restart += 1) await world.advance(10_000);
    const states = world.system.snapshot()[0]?.children.map(({ lifecycle }) => lifecycle);
    expect(states).toEqual(['running', 'running', 'running']);
  });

  test('lets an earlier sibling of the rest fail while the rest is on its way back', async () => {
    const world = startTestSystem();
    const family = new Family(world);
    family.start(
      { strategy: 'restForOne' },
      ['a', 'b', 'c'].map((id) => family.child(id)),
    );
    await family.tell('b', 'crash', 0);
    await family.tell('a', 'crash');
    await world.advance(10_000);
    const states = world.system.snapshot()[0]?.children.map(({ lifecycle }) => lifecycle);
    expect(states).toEqual(['running', 'running', 'running']);
    expect(family.news.startsWith('+a +b +c -b -c -a +a +b +c')).toBe(true);
  });

  test('does not let the wait of one child delay another', async () => {
    const world = startTestSystem();
    const family = new Family(world);
    family.start({}, [
      family.child('a', { backoff: { minMs: 9000 } }),
      family.child('b', { backoff: { minMs: 10, maxMs: 10 } }),
    ]);
    world.system.registry.get<Order>('a')?.tell('crash');
    world.system.registry.get<Order>('b')?.tell('crash');
    await world.settle();
    await world.advance(10);
    expect(family.news).toBe('+a +b -a -b +b');
  });

  test('is a tree: what one supervisor cannot cure, the next one does', async () => {
    const world = startTestSystem();
    const family = new Family(world);
    const inner = supervisor({ children: [family.child('a', { budget: { restarts: 1 } })] });
    const outer = supervisor({ children: [child(inner, { id: 'inner' }), family.child('b')] });
    world.system.spawn(outer, { id: 'outer' });
    await family.tell('a', 'crash');
    expect(family.news).toBe('+a +b -a +a');
    await family.tell('a', 'crash');
    expect(family.news).toBe('-a +a');
    expect(world.system.snapshot()[0]?.children[0]).toMatchObject({ path: '/outer/inner', incarnation: 2 });
  });

  test('does not restart what is being stopped', async () => {
    const world = startTestSystem();
    const family = new Family(world);
    const top = family.start({}, [family.child('a')]);
    await family.tell('a', 'crash', 0);
    await top.stop();
    await world.advance(60_000);
    expect(family.news).toBe('+a -a');
    const quiet = world.system.spawn(
      defineActor<never>(() => NEVER),
      { id: 'quiet' },
    );
    expect(quiet.lifecycle$.value.kind).toBe('running');
  });
});
