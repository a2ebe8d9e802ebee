/**
 * Questions and answers on a channel, deadline and all inside the ciphertext. Whoever loses interest unsubscribes, and
 * the work at the other end is stopped.
 */
import assert from 'node:assert/strict';
import { finalize, firstValueFrom, interval, lastValueFrom, map, of, take, toArray } from 'rxjs';
import { Cast } from '../lib/cast.ts';

const encode = (value: string): Uint8Array => new TextEncoder().encode(value);
const decode = (payload: Uint8Array): string => new TextDecoder().decode(payload);

await using cast = new Cast();
const { alice, bob, carol } = await cast.meet('acme/team/questions', 'alice', 'bob', 'carol');

// bob counts, for ever if he is let; carol gives one answer.
let countersAtWork = 0;
const stopped: string[] = [];
bob.respond(({ payload }) => {
  countersAtWork += 1;
  return interval(10).pipe(
    map((count) => encode(`${decode(payload)} ${count}`)),
    finalize(() => {
      countersAtWork -= 1;
      stopped.push(decode(payload));
    }),
  );
});
carol.respond(({ payload }) => of(encode(`carol to "${decode(payload)}"`)));

// One answer, from one member.
const answer = await firstValueFrom(alice.request(encode('how are you?'), { timeoutMs: 5000, to: encode('carol') }));
assert.equal(decode(answer.payload), 'carol to "how are you?"');

// A stream of answers. When alice has three she unsubscribes, and bob stops counting.
const counting$ = alice.request(encode('count'), { timeoutMs: 5000, to: encode('bob'), expect: 'all' });
const counts = await lastValueFrom(
  counting$.pipe(
    map(({ payload }) => decode(payload)),
    take(3),
    toArray(),
  ),
);
assert.deepEqual(counts, ['count 0', 'count 1', 'count 2']);
while (countersAtWork > 0) await new Promise((resolve) => setTimeout(resolve, 10));
assert.deepEqual(stopped, ['count']);
console.log(`request-reply: carol answered, bob counted to ${counts.length} and was stopped in the middle of it`);
