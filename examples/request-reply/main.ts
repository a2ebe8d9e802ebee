/**
 * Questions and answers on a channel, deadline and all inside the ciphertext. Whoever loses interest unsubscribes, and
 * the work at the other end is stopped.
 */
import assert from 'node:assert/strict';
import { finalize, firstValueFrom, interval, lastValueFrom, map, of, ReplaySubject, take, toArray } from 'rxjs';
import { text } from 'skytale-rx';
import { Cast } from '../lib/cast.ts';

await using cast = new Cast();
const { alice, bob, carol } = await cast.meet('acme/team/questions', 'alice', 'bob', 'carol');
const identity = (name: string): Uint8Array => new TextEncoder().encode(name);

// bob counts, for ever if he is let; carol gives one answer.
const stopped$ = new ReplaySubject<string>(1);
bob.as(text()).respond(({ payload }) =>
  interval(10).pipe(
    map((count) => `${payload} ${count}`),
    finalize(() => stopped$.next(payload)),
  ),
);
carol.as(text()).respond(({ payload }) => of(`carol to "${payload}"`));

// One answer, from one member.
const alice$ = alice.as(text());
const answer = await firstValueFrom(alice$.request('how are you?', { timeoutMs: 5000, to: identity('carol') }));
assert.equal(answer.payload, 'carol to "how are you?"');

// A stream of answers. When alice has three she unsubscribes, and bob stops counting.
const counting$ = alice$.request('count', { timeoutMs: 5000, to: identity('bob'), expect: 'all' });
const counts = await lastValueFrom(
  counting$.pipe(
    map(({ payload }) => payload),
    take(3),
    toArray(),
  ),
);
assert.deepEqual(counts, ['count 0', 'count 1', 'count 2']);
assert.equal(await firstValueFrom(stopped$), 'count');
console.log(`request-reply: carol answered, bob counted to ${counts.length} and was stopped in the middle of it`);
