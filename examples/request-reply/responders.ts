import { asyncScheduler, finalize, interval, map, of, type SchedulerLike } from 'rxjs';
import { type Channel, text } from 'skytale-rx';

/** Counts, for ever if it is let. */
export function count(
  channel$: Channel,
  stopped: (question: string) => void,
  scheduler: SchedulerLike = asyncScheduler,
): void {
  channel$.as(text()).respond(({ payload }) =>
    interval(10, scheduler).pipe(
      map((number) => `${payload} ${number}`),
      finalize(() => stopped(payload)),
    ),
  );
}

/** Gives one answer. */
export function answer(channel$: Channel): void {
  channel$.as(text()).respond(({ payload }) => of(`carol to "${payload}"`));
}
