/** bob says back to the channel whatever he hears on it. The echo itself is two lines, in echo.ts. */
import assert from 'node:assert/strict';
import { firstValueFrom, take, toArray } from 'rxjs';
import { text } from 'skytale-rx';
import { Cast } from '../lib/cast.ts';
import { echo } from './echo.ts';

await using cast = new Cast();
const { alice, bob } = await cast.meet('acme/team/chat', 'alice', 'bob');

echo(bob);

const alice$ = alice.as(text());
const answers = firstValueFrom(alice$.pipe(take(2), toArray()));
await alice$.send('hello');
await alice$.send('is there anybody?');

const heard = (await answers).map(({ payload }) => payload);
assert.deepEqual(heard, ['you said: hello', 'you said: is there anybody?']);
console.log(`echo: alice heard ${heard.map((line) => `"${line}"`).join(' and ')}`);
