import { expect, it } from 'vitest';
import { World } from '../../src/replay/index.ts';
import { bytes, textOf } from '../support/swarm.ts';
import { meet } from './meet.ts';

const NEXT = 'acme/research/summarizer-2';

/** What docs/relay.md says of how to go on. */
it('of a relay ends the channel with a reason that callers are told, and its members go on in one of another name', async () => {
  const plan = '{ "version": 1, "faults": [{ "kind": "relay-restored", "atMs": 0, "entries": 2 }] }';
  await using world = new World({ seed: 7, plan });
  const channels = await meet(world, ['alice', 'bob', 'carol']);
  for (const text of ['one', 'two', 'three']) await world.complete(channels[0]!.send(bytes(text)));
  await world.run(1_000);
  world.arm();
  await world.until(() => channels.every(({ channel$ }) => channel$.status$.value === 'refused'));
  await expect(channels[0]!.send(bytes('four'))).rejects.toMatchObject({ code: 'epoch_mismatch' });

  const [alice, bob, carol] = world.agents;
  const founded = await world.complete(alice!.client.createChannel(NEXT));
  founded.channel$.connect();
  const add = await world.complete(Promise.all([bob!, carol!].map(({ client }) => client.generateKeyPackage())));
  const { welcome } = await world.complete(founded.channel$.commit({ add }));
  const heard: string[] = [];
  for (const agent of [bob!, carol!]) {
    const joined = await world.complete(agent.client.joinChannel(NEXT, welcome!));
    joined.channel$.subscribe((message) => heard.push(textOf(message)));
  }
  await world.complete(founded.send(bytes('four')));
  await world.until(() => heard.length === 2);
  expect(heard).toEqual(['four', 'four']);
  world.checkAllFired();
});
