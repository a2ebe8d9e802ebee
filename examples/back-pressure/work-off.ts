import { type Channel, text } from 'skytale-rx';

/** Does job after job, from a moment on: until then it is as slow as can be. */
export function workOff(channel$: Channel, started: Promise<unknown>, done: (job: string) => void): void {
  channel$.as(text()).consume(async ({ payload }) => {
    await started;
    done(payload);
  });
}
