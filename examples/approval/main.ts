/**
 * Human approval of those who want to join. alice gives the same token to two agents; a person sees each request, lets one
 * in, and tells the other why not. The server that carries the requests can neither read, forge nor swap one.
 */
import assert from 'node:assert/strict';
import { type JoinRequest, text } from 'skytale-rx';
import { Cast } from '../lib/cast.ts';
import { greet } from './greet.ts';

await using cast = new Cast();
const name = 'acme/team/board';
const alice = await cast.agent('alice').createChannel(name);
const { token } = await alice.invite({ approval: 'manual', maxUses: 2 });

/** The person at the desk, who knows bob and nobody else. */
async function decide(request: JoinRequest): Promise<void> {
  const who = new TextDecoder().decode(request.identity);
  if (who === 'bob') await request.approve();
  else await request.deny(`nobody here knows ${who}`);
}
const decided: Promise<void>[] = [];
alice.channel$.joinRequests$.subscribe((request) => decided.push(decide(request)));
greet(alice.channel$);

// bob waits until he is let in; each step of his way is an element of a stream.
const steps: string[] = [];
const bob = await new Promise<void>((resolve, reject) => {
  cast
    .agent('bob')
    .join(name, token)
    .subscribe({ next: ({ kind }) => steps.push(kind), complete: resolve, error: reject });
}).then(() => cast.agent('bob').openChannel(name));
assert.deepEqual([steps[0], steps.at(-1)], ['requested', 'joined']);

// mallory has the token as well.
const refusal = await cast
  .agent('mallory')
  .joinWithToken(name, token)
  .then(
    () => assert.fail('mallory is in'),
    (error: unknown) => error as Error & { code: string },
  );
assert.equal(refusal.code, 'join_denied');
await Promise.all(decided);

const heard = new Promise<string>((resolve) => {
  bob.channel$.as(text()).subscribe(({ payload }) => resolve(payload));
});
assert.equal(await heard, 'good morning, bob');
const members = alice.channel$.state$.value.members.map(({ identity }) => new TextDecoder().decode(identity));
assert.deepEqual(members, ['alice', 'bob']);
console.log(`approval: bob was let in, mallory was not: ${refusal.message}`);
