import { type Channel, text } from 'skytale-rx';

/** Greets whoever comes. */
export function greet(channel$: Channel): void {
  const chat$ = channel$.as(text());
  channel$.epochChanges$.subscribe(({ added }) => {
    for (const { identity } of added) chat$.next(`good morning, ${new TextDecoder().decode(identity)}`);
  });
}
