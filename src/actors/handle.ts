import { defer, Observable, type ObservableInput, type OperatorFunction } from 'rxjs';
import { checkInteger } from '../base/check.ts';
import type { HandleOptions } from './actor.ts';
import { Fifo } from '../streams/index.ts';
import type { Incarnation } from './incarnation.ts';
import type { Letter } from './letter.ts';
import { resultStream } from './result-stream.ts';

/** @internal What {@link createHandle} needs of the actor. */
export interface HandleOwner<In> {
  readonly incarnation: Incarnation<In>;
  /** Work on a message has failed. True if the body goes on without the message. */
  survives(letter: Letter<In> | undefined, error: unknown): boolean;
  /** Messages can be delivered again, or the last one is done. */
  progressed(): void;
}

type Work<T, R> = (message: T) => ObservableInput<R> | undefined;

/** @internal The operator behind `ActorContext.handle`. */
export function createHandle<In, T, R>(
  owner: HandleOwner<In>,
  work: Work<T, R>,
  { concurrency = 1 }: HandleOptions = {},
): OperatorFunction<T, R> {
  checkInteger('concurrency', concurrency, 1);
  const { incarnation } = owner;
  return (source) =>
    new Observable<R>((subscriber) => {
      // One message may become several values on its way here; those beyond `concurrency` wait. No further message comes
      // meanwhile, so there are never more of them than one message becomes.
      const waiting = new Fifo<{ readonly value: T; readonly letter: Letter<In> | undefined }>();
      let active = 0;
      let isSourceDone = false;

      const done = (letter: Letter<In> | undefined): void => {
        active -= 1;
        if (active === concurrency - 1) incarnation.free();
        if (letter !== undefined) incarnation.finish(letter);
        const next = waiting.shift();
        if (next !== undefined) run(next.value, next.letter);
        else if (isSourceDone && active === 0) subscriber.complete();
        owner.progressed();
      };
      const run = (value: T, letter: Letter<In> | undefined): void => {
        active += 1;
        if (active === concurrency) incarnation.occupy();
        subscriber.add(
          defer(() => resultStream(work(value))).subscribe({
            next: (result) => subscriber.next(result),
            error: (error: unknown) => {
              if (owner.survives(letter, error)) done(letter);
              else subscriber.error(error);
            },
            complete: () => done(letter),
          }),
        );
      };
      subscriber.add(
        source.subscribe({
          next: (value) => {
            const letter = incarnation.current;
            if (letter !== undefined) incarnation.begin(letter);
            if (active < concurrency) run(value, letter);
            else waiting.push({ value, letter });
          },
          error: (error: unknown) => subscriber.error(error),
          complete: () => {
            isSourceDone = true;
            if (active === 0) subscriber.complete();
          },
        }),
      );
    });
}
