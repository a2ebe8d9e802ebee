import { type Channel, text } from 'skytale-rx';

/** Says on `to` what the others say on `from`, in its order. Own messages do not come back, so there is no loop. */
export function carry(from: Channel, to: Channel): void {
  const to$ = to.as(text());
  from.as(text()).consume(async ({ payload }) => {
    await to$.send(`from ${from.name}: ${payload}`); // resolves when the relay has it, durably
  });
}
