import { expect, it } from 'vitest';
import { World } from '../../src/replay/index.ts';
import { bytes, CHANNEL, textOf } from '../support/swarm.ts';
import { meet } from './meet.ts';

async function history(seed: number): Promise<string[]> {
  await using world = new World({ seed });
  const channels = await meet(world, ['alice', 'bob', 'carol']);
  const seen: string[] = [];
  channels.forEach(({ channel$ }, index) =>
    channel$.subscribe((message) => seen.push(`${world.clock.elapsedMs} ${index} ${message.seq} ${textOf(message)}`)),
  );
  for (let round = 0; round < 3; round += 1) {
    await world.complete(Promise.all(channels.map((channel, index) => channel.send(bytes(`${round}.${index}`)))));
  }
  await world.run(1_000);
  return seen;
}

it('repeats itself exactly under the same seed, and not under another', async () => {
  const [first, again, other] = [await history(5), await history(5), await history(6)];
  expect(first).toHaveLength(18);
  expect(again).toEqual(first);
  expect(other).not.toEqual(first);
});

it('goes on from its store after a crash, and sends what was not acknowledged', async () => {
  const plan = '{ "version": 1, "faults": [{ "kind": "crash", "agent": "alice", "nth": 1, "forMs": 100 }] }';
  await using world = new World({ seed: 1, plan });
  world.agent('alice', {
    onStart: async (client, { lives }) => {
      if (lives > 1) (await client.openChannel(CHANNEL)).channel$.connect();
    },
  });
  const [alice, bob] = await meet(world, ['alice', 'bob']);
  const heard: string[] = [];
  bob!.channel$.subscribe((message) => heard.push(textOf(message)));
  await world.run(100);
  world.arm();
  void alice!.send(bytes('hello'));
  await world.run(5_000);

  expect(world.agent('alice').lives).toBe(2);
  expect(heard).toEqual(['hello']);
  world.checkAllFired();
});
