import { map } from 'rxjs';
import { type Channel, text } from 'skytale-rx';

/** Says back whatever is said. A channel is an Observable of what the others say, and an Observer for what you say: so it can be piped into itself. */
export function echo(channel$: Channel): void {
  const chat$ = channel$.as(text());
  chat$.pipe(map(({ payload }) => `you said: ${payload}`)).subscribe(chat$);
}
