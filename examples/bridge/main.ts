/**
 * A bridge between two channels, whose members do not share a key. What was heard on one side counts as handled once it
 * is safe on the other: a bridge that dies in between takes it up again when it is back.
 */
import assert from 'node:assert/strict';
import { firstValueFrom, map, take, toArray } from 'rxjs';
import { type Channel, text } from 'skytale-rx';
import { Cast } from '../lib/cast.ts';
import { carry } from './carry.ts';

await using cast = new Cast();
const lab = await cast.meet('acme/lab/results', 'alice', 'bridge');
const press = await cast.meet('acme/press/news', 'carol', 'bridge');

carry(lab.bridge, press.bridge);
carry(press.bridge, lab.bridge);

const heardBy = (channel: Channel, count: number): Promise<string[]> =>
  firstValueFrom(
    channel.as(text()).pipe(
      map(({ payload }) => payload),
      take(count),
      toArray(),
    ),
  );
const atCarol = heardBy(press.carol, 3);
const atAlice = heardBy(lab.alice, 1);
for (const result of ['one', 'two', 'three']) await lab.alice.as(text()).send(result);
await press.carol.as(text()).send('what comes after three?');

assert.deepEqual(await atCarol, [
  'from acme/lab/results: one',
  'from acme/lab/results: two',
  'from acme/lab/results: three',
]);
assert.deepEqual(await atAlice, ['from acme/press/news: what comes after three?']);
console.log('bridge: 3 messages came over one way, 1 the other, each once and in order');
