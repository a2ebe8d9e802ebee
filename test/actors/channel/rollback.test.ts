import { expect, it } from 'vitest';
import { parseChannelName } from '../../../src/index.ts';
import { bytes, CHANNEL, channelOf, isFault, reaches, Recorder, Swarm, textOf } from '../../support/swarm.ts';

const name = parseChannelName(CHANNEL);

it('encrypts nothing with a used key when its directory is an old copy, and says that it is', async () => {
  await using swarm = await Swarm.create();
  const { alice, bob } = await channelOf(swarm, 'alice', 'bob');
  const seen = new Recorder(bob.channel$);
  await alice.send(bytes('one'));
  await alice.channel$.stop();
  await swarm.crashImage('alice', 'yesterday');
  // The day goes on with the original.
  await swarm.crashImage('alice', 'today');
  const today = await swarm.agent('alice', { dataDir: 'today' }).openChannel(CHANNEL);
  await today.send(bytes('two'));
  await today.close();
  const before = swarm.relay.entries(name).length;

  const yesterday = await swarm.agent('alice', { dataDir: 'yesterday' }).openChannel(CHANNEL);
  await expect(yesterday.send(bytes('three'))).rejects.toMatchObject({ code: 'rolled_back' });

  expect(yesterday.channel$.status$.value).toBe('rolled-back');
  expect(swarm.relay.entries(name)).toHaveLength(before);
  expect((await seen.until(2)).map(textOf)).toEqual(['one', 'two']);
});

it('notices an old copy also by an own commit that it does not know', async () => {
  await using swarm = await Swarm.create();
  const { alice } = await channelOf(swarm, 'alice', 'bob');
  await alice.channel$.stop();
  await swarm.crashImage('alice', 'yesterday');
  await swarm.crashImage('alice', 'today');
  const today = await swarm.agent('alice', { dataDir: 'today' }).openChannel(CHANNEL);
  await today.channel$.commit({ rotate: true });
  await today.close();

  const yesterday = await swarm.agent('alice', { dataDir: 'yesterday' }).openChannel(CHANNEL);
  yesterday.channel$.connect();
  await reaches(yesterday.channel$, 'rolled-back');
});

it('takes a crash for a crash: messages that were sent and not noted as such are no rollback', async () => {
  await using swarm = await Swarm.create();
  const { alice, bob } = await channelOf(swarm, 'alice', 'bob');
  const seen = new Recorder(bob.channel$);
  await Promise.all(Array.from({ length: 50 }, (_, index) => alice.send(bytes(`${index}`))));
  await swarm.crashImage('alice', 'crashed');
  await alice.close();

  const again = await swarm.agent('alice', { dataDir: 'crashed' }).openChannel(CHANNEL);
  await again.send(bytes('50'));

  expect((await seen.until(51)).map(textOf)).toEqual(Array.from({ length: 51 }, (_, index) => `${index}`));
});

it('joins anew with a fresh leaf, sends what waited, and the others read it', async () => {
  await using swarm = await Swarm.create();
  const { alice, bob } = await channelOf(swarm, 'alice', 'bob');
  const seen = new Recorder(bob.channel$);
  const faults = new Recorder(bob.channel$.faults$);
  await alice.channel$.stop();
  await swarm.crashImage('alice', 'yesterday');
  await swarm.crashImage('alice', 'today');
  const today = await swarm.agent('alice', { dataDir: 'today' }).openChannel(CHANNEL);
  await today.send(bytes('today'));
  await today.close();

  const client = swarm.agent('alice', { dataDir: 'yesterday' });
  const yesterday = await client.openChannel(CHANNEL);
  await expect(client.joinChannel(CHANNEL, bytes('no Welcome'))).rejects.toMatchObject({ code: 'invalid_welcome' });
  await expect(yesterday.send(bytes('accepted before it was noticed'))).rejects.toMatchObject({ code: 'rolled_back' });
  const { welcome } = await bob.channel$.commit({ replace: [await client.generateKeyPackage()] });
  const anew = await client.joinChannel(CHANNEL, welcome ?? new Uint8Array());
  await anew.send(bytes('back again'));

  expect((await seen.until(3)).map(textOf)).toEqual(['today', 'accepted before it was noticed', 'back again']);
  expect(faults.values.filter(isFault('undecryptable'))).toEqual([]);
  expect(anew.channel$.state$.value.members).toHaveLength(2);
});

it('joins anew after it was removed', async () => {
  await using swarm = await Swarm.create();
  const { alice } = await channelOf(swarm, 'alice');
  const client = swarm.agent('bob');
  const first = await client.joinChannel(CHANNEL, await alice.addMember(await client.generateKeyPackage()));
  first.channel$.connect();
  await alice.removeMember(bytes('bob'));
  await reaches(first.channel$, 'removed');

  const again = await client.joinChannel(CHANNEL, await alice.addMember(await client.generateKeyPackage()));
  await alice.send(bytes('welcome back'));

  expect((await new Recorder(again.channel$).until(1)).map(textOf)).toEqual(['welcome back']);
});
