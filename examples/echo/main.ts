/** bob says back to the channel whatever he hears on it. The echo itself is two lines. */
import assert from 'node:assert/strict';
import { firstValueFrom, map, take, toArray } from 'rxjs';
import { text } from 'skytale-rx';
import { Cast } from '../lib/cast.ts';

await using cast = new Cast();
const { alice, bob } = await cast.meet('acme/team/chat', 'alice', 'bob');

// A channel is an Observable of what the others say, and an Observer for what you say: so it can be piped into itself.
const bob$ = bob.as(text());
bob$.pipe(map(({ payload }) => `you said: ${payload}`)).subscribe(bob$);

const alice$ = alice.as(text());
const answers = firstValueFrom(alice$.pipe(take(2), toArray()));
await alice$.send('hello');
await alice$.send('is there anybody?');

const heard = (await answers).map(({ payload }) => payload);
assert.deepEqual(heard, ['you said: hello', 'you said: is there anybody?']);
console.log(`echo: alice heard ${heard.map((line) => `"${line}"`).join(' and ')}`);
