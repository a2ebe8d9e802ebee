/**
 * Questions and answers on a channel, deadline and all inside the ciphertext. Whoever loses interest unsubscribes, and
 * the work at the other end is stopped.
 */
import assert from 'node:assert/strict';
import { firstValueFrom, lastValueFrom, map, ReplaySubject, take, toArray } from 'rxjs';
import { text } from 'skytale-rx';
import { Cast } from '../lib/cast.ts';
import { answer, count } from './responders.ts';

await using cast = new Cast();
const { alice, bob, carol } = await cast.meet('acme/team/questions', 'alice', 'bob', 'carol');
const identity = (name: string): Uint8Array => new TextEncoder().encode(name);

const stopped$ = new ReplaySubject<string>(1);
count(bob, (question) => stopped$.next(question));
answer(carol);

// One answer, from one member.
const alice$ = alice.as(text());
const reply = await firstValueFrom(alice$.request('how are you?', { timeoutMs: 5000, to: identity('carol') }));
assert.equal(reply.payload, 'carol to "how are you?"');

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
