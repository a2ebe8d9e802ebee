import { firstValueFrom, ignoreElements, map, tap } from 'rxjs';
import {
  type ActorRef,
  type ActorSystem,
  child,
  createSystem,
  defineActor,
  supervisor,
} from '../../../src/actors/index.ts';
import { serve } from '../../serve.ts';
import { nacts, ours, type Work } from './duel.ts';

/** One round, one right after the other: ms. */
export interface DuelRound {
  readonly ours: number;
  readonly nacts: number;
}

/** Does next to nothing, as most actors of a swarm do most of the time. */
const idler = defineActor<number, number>((inbox$) => inbox$.pipe(map((value) => value + 1)));

let system: ActorSystem | undefined;
let idlers: ActorRef<number>[] = [];

const calls = {
  async duel(work: Work): Promise<DuelRound> {
    return { ours: await ours(work), nacts: await nacts(work) };
  },

  /** ms from the crash of one of so many siblings until all of them run again, each with its inbox subscribed. */
  async restart(children: number): Promise<number> {
    let running = 0;
    let allRun: () => void = () => undefined;
    const untilAllRun = (): Promise<void> => {
      running = 0;
      return new Promise((resolve) => (allRun = resolve));
    };
    const worker = defineActor<Error>((inbox$) => {
      running += 1;
      if (running === children) allRun();
      return inbox$.pipe(
        tap((error) => {
          throw error;
        }),
        ignoreElements(),
      );
    });
    const backoff = { minMs: 1, maxMs: 1 };
    const specs = Array.from({ length: children }, (_, index) =>
      child(worker, { id: `worker-${index}`, name: `worker-${index}`, backoff }),
    );
    await using group = createSystem({ onCrash: () => undefined });
    const started = untilAllRun();
    const top = group.spawn(supervisor({ strategy: 'oneForAll', children: specs }), { id: 'top' });
    await top.ready;
    await started;
    const restarted = untilAllRun();
    const startedAt = performance.now();
    group.registry.get<Error>(`worker-${children >> 1}`)?.tell(new Error('crash'));
    await restarted;
    return performance.now() - startedAt;
  },

  /** Starts so many actors, and keeps their references. */
  async spawn(count: number): Promise<void> {
    const home = (system = createSystem());
    idlers = Array.from({ length: count }, (_, index) => home.spawn(idler, { id: `idler-${index}` }));
    await idlers.at(-1)?.ready;
  },

  /** Gives each of them something to do, once, and waits until they are idle again. */
  async tellAll(): Promise<void> {
    const last = idlers.at(-1);
    if (last === undefined) throw new Error('there is nobody to tell anything');
    const isDone = firstValueFrom(last.out$);
    for (const idler of idlers) idler.tell(1);
    await isDone;
  },
};

/** What the process that runs actors can be asked for. */
export type ActorCalls = typeof calls;

serve(calls, async () => {
  await system?.shutdown({ deadlineMs: 0 });
});
