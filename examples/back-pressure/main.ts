/**
 * Bounded consumption: bob's handler is slow, so he stops asking the relay for more. What he has not asked for waits at
 * the relay and not in his memory; nothing is dropped.
 */
import assert from 'node:assert/strict';
import { filter, firstValueFrom, Subject } from 'rxjs';
import { text } from 'skytale-rx';
import { Cast } from '../lib/cast.ts';
import { workOff } from './work-off.ts';

const MESSAGES = 2000;
/** What bob takes before he has handled any of it: a journal of 1,024 messages, and credit that was given before. */
const MOST_AHEAD = 1024 + 2 * 256;

await using cast = new Cast();
const { alice, bob } = await cast.meet('acme/team/jobs', 'alice', 'bob');

const start$ = new Subject<string>();
const started = firstValueFrom(start$);
const handled: string[] = [];
const handled$ = new Subject<string>();
handled$.subscribe((job) => handled.push(job));
workOff(bob, started, (job) => handled$.next(job));

const alice$ = alice.as(text());
await Promise.all(Array.from({ length: MESSAGES }, (_, index) => alice$.send(`job ${index + 1}`)));

const stored = alice.state$.value.seq;
const read = await standstill(1000);
console.log(`back-pressure: the relay has ${stored} entries, bob has read ${read} and handled ${handled.length}`);
assert.equal(handled.length, 0);
assert.ok(read < MOST_AHEAD, `bob has read ${read}`);

const last = firstValueFrom(handled$.pipe(filter((job) => job === `job ${MESSAGES}`)));
start$.next('now');
await last;
console.log(`back-pressure: then he has handled ${handled.length}, all of them, in order`);
assert.deepEqual(
  handled,
  Array.from({ length: MESSAGES }, (_, index) => `job ${index + 1}`),
);

/** How far bob has read when he reads no further, which is beyond `atLeast`. */
async function standstill(atLeast: number): Promise<number> {
  await firstValueFrom(bob.state$.pipe(filter(({ seq }) => seq > atLeast)));
  for (;;) {
    const before = bob.state$.value.seq;
    await new Promise((resolve) => setTimeout(resolve, 200));
    if (bob.state$.value.seq === before) return before;
  }
}
