import { ignoreElements } from 'rxjs';
import { type ActorLogic, child, type ChildSpec, defineActor, type Random, type ReplyTo, supervisor } from 'skytale-rx';
import { type Counts, merge, wordsOf } from './counts.ts';

/** What is to be done, and for whom. */
export interface Job {
  /** Decides whether the worker crashes on it. The job's own, so that a seed gives each job the same fate again. */
  readonly luck: Random;
  readonly reply: ReplyTo<Counts>;
}

/** A part of the text to count the words of. */
export interface MapJob extends Job {
  readonly chunk: string;
}

/** Parts to add up. */
export interface ReduceJob extends Job {
  readonly parts: readonly Counts[];
}

/** This share of attempts makes the worker crash: as often before its work as after the answer has left. */
const CRASH_SHARE = 0.3;

/** Workers that do the same, found by name: `mapper-0` and so on. */
export interface Team<T extends Job> {
  readonly name: string;
  readonly size: number;
  readonly logic: ActorLogic<T, never>;
}

const mapper = worker<MapJob>(({ chunk, reply }) => {
  const counts = new Map<string, number>();
  for (const word of wordsOf(chunk)) counts.set(word, (counts.get(word) ?? 0) + 1);
  reply.next(counts);
});

const reducer = worker<ReduceJob>(({ parts, reply }) => reply.next(merge(parts)));

/** An actor that does a job at a time, and is out of luck now and then. */
function worker<T extends Job>(work: (job: T) => void): ActorLogic<T, never> {
  return defineActor<T>((jobs$, { handle }) =>
    jobs$.pipe(
      handle(async (job: T) => {
        const luck = job.luck.fraction();
        await nextTurn();
        if (luck < CRASH_SHARE / 2) throw new Error('out of luck before the work');
        work(job);
        await nextTurn();
        if (luck < CRASH_SHARE) throw new Error('out of luck after the answer');
      }),
      ignoreElements(),
    ),
  );
}

export const mappers: Team<MapJob> = { name: 'mapper', size: 4, logic: mapper };
export const reducers: Team<ReduceJob> = { name: 'reducer', size: 2, logic: reducer };

/**
 * The tree: a supervisor of two supervisors, each with its workers. A crash concerns the one that crashed; if a whole
 * group cannot be kept up, the one above starts it anew.
 */
export const swarm: ActorLogic<never, never> = supervisor({
  strategy: 'oneForOne',
  children: [
    child(supervisor({ children: childrenOf(mappers) }), { id: 'mappers' }),
    child(supervisor({ children: childrenOf(reducers) }), { id: 'reducers' }),
  ],
});

function childrenOf<T extends Job>({ name, size, logic }: Team<T>): ChildSpec[] {
  return Array.from({ length: size }, (_, index) =>
    child(logic, {
      id: `${name}-${index}`,
      name: `${name}-${index}`,
      backoff: { minMs: 1, maxMs: 5 },
      budget: { restarts: 1000, withinMs: 60_000 },
    }),
  );
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
