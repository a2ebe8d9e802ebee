import { dispatch, spawn, start, stop } from 'nact';
import { ignoreElements, tap } from 'rxjs';
import { createSystem, defineActor } from '../../../src/actors/index.ts';

/** Messages that are handed over before anybody waits: as many as a mailbox holds unless it is told otherwise. */
const BURST = 1000;

/** How the messages of one round are spread. */
export interface Work {
  readonly messages: number;
  readonly actors: number;
}

/** Takes messages as they come and says when a burst has been handled. */
class Finish {
  #left = 0;
  #done: () => void = () => undefined;

  /** Resolves when {@link Finish.one} was called so often. */
  async after(count: number): Promise<void> {
    this.#left = count;
    await new Promise<void>((resolve) => (this.#done = resolve));
  }

  one(): void {
    this.#left -= 1;
    if (this.#left === 0) this.#done();
  }
}

/** Milliseconds for the work here: each actor adds up the numbers that it is told. */
export async function ours(work: Work): Promise<number> {
  const finish = new Finish();
  let total = 0;
  const adder = defineActor<number>((inbox$) =>
    inbox$.pipe(
      tap((value) => {
        total += value;
        finish.one();
      }),
      ignoreElements(),
    ),
  );
  await using system = createSystem();
  const actors = Array.from({ length: work.actors }, (_, index) => system.spawn(adder, { id: `adder-${index}` }));
  const ms = await time(work, finish, (index, value) => actors[index]?.tell(value));
  check(total, work);
  return ms;
}

/** Milliseconds for the same work on nact. */
export async function nacts(work: Work): Promise<number> {
  const finish = new Finish();
  let total = 0;
  const system = start();
  const actors = Array.from({ length: work.actors }, (_, index) =>
    spawn(
      system,
      (_state: undefined, value: number) => {
        total += value;
        finish.one();
        return undefined;
      },
      `adder-${index}`,
    ),
  );
  const ms = await time(work, finish, (index, value) => dispatch(actors[index] as (typeof actors)[0], value));
  stop(system);
  check(total, work);
  return ms;
}

async function time(work: Work, finish: Finish, tell: (index: number, value: number) => void): Promise<number> {
  const startedAt = performance.now();
  for (let sent = 0; sent < work.messages; sent += BURST) {
    const isDone = finish.after(BURST);
    for (let value = sent; value < sent + BURST; value += 1) tell(value % work.actors, value);
    await isDone;
  }
  return performance.now() - startedAt;
}

/** Wrong results have no speed. */
function check(total: number, { messages }: Work): void {
  const count = Math.ceil(messages / BURST) * BURST;
  const expected = (count * (count - 1)) / 2;
  if (total !== expected) throw new Error(`Expected the sum ${expected}, got ${total}.`);
}
