import { expect, it } from 'vitest';
import { bytes, channelOf, CHANNEL, invite, Recorder, Swarm, textOf } from '../../support/swarm.ts';

const TOPIC = { type: 0xf0aa, data: bytes('the weather') };
const understanding = { extensionTypes: [TOPIC.type] };

it('lets members agree on extensions, also with other changes under way', async () => {
  await using swarm = await Swarm.create();
  const alice = await swarm.agent('alice', understanding).createChannel(CHANNEL);
  const bob = await invite(alice, swarm.agent('bob', understanding));
  await invite(alice, swarm.agent('carol', understanding));
  const newcomer = swarm.agent('dave', understanding);
  bob.channel$.connect();
  const keyPackage = await newcomer.generateKeyPackage();

  const [, welcome] = await Promise.all([
    alice.channel$.commit({ extensions: [TOPIC] }),
    alice.addMember(keyPackage),
    alice.removeMember(bytes('carol')),
    bob.channel$.commit({ rotate: true }),
  ]);
  const dave = await newcomer.joinChannel(CHANNEL, welcome);

  const seen = new Recorder(bob.channel$);
  await dave.send(bytes('agreed'));
  expect((await seen.until(1)).map(textOf)).toEqual(['agreed']);
  for (const { channel$ } of [alice, bob, dave]) {
    expect(channel$.state$.value.extensions).toEqual([TOPIC]);
    expect(channel$.state$.value.members).toHaveLength(3);
  }
});

it('rejects extensions that a member does not understand, and those that come with another change', async () => {
  await using swarm = await Swarm.create();
  const { alice } = await channelOf(swarm, 'alice', 'bob');
  await expect(alice.channel$.commit({ extensions: [TOPIC] })).rejects.toMatchObject({ code: 'mls_error' });
  await expect(alice.channel$.commit({ extensions: [TOPIC], remove: [bytes('bob')] })).rejects.toMatchObject({
    code: 'invalid_argument',
  });
  expect(alice.channel$.state$.value).toMatchObject({ epoch: 1n, extensions: [] });
});
