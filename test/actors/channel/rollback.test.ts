import { filter } from 'rxjs';
import { expect, it } from 'vitest';
import { groupTag, inspectMessage } from '../../../src/mls/index.ts';
import { type ClientChannel, parseChannelName } from '../../../src/index.ts';
import { bytes, CHANNEL, channelOf, reaches, Recorder, Swarm, text, textOf } from '../../support/swarm.ts';

const name = parseChannelName(CHANNEL);

/** Copies the directory of alice, as `yesterday`, and lets her do something more that the copy does not know of. */
async function copyAndGoOn(
  swarm: Swarm,
  alice: ClientChannel,
  act: (today: ClientChannel) => Promise<unknown>,
): Promise<void> {
  await alice.channel$.stop();
  await swarm.crashImage('alice', 'yesterday');
  await swarm.crashImage('alice', 'today');
  const today = await swarm.agent('alice', { dataDir: 'today' }).openChannel(CHANNEL);
  await act(today);
  await today.close();
}

/** Entries that are ciphertext, or would be. Requests for a fresh leaf are none. */
function mlsMessages(swarm: Swarm): number {
  return swarm.relay.entries(name).filter(({ payload }) => isMls(payload)).length;
}

function isMls(payload: Uint8Array): boolean {
  try {
    return inspectMessage(payload).epoch !== undefined;
  } catch {
    return false;
  }
}

it('encrypts nothing with a used key when its directory is an old copy, and asks for a fresh leaf', async () => {
  await using swarm = await Swarm.create();
  const { alice, bob } = await channelOf(swarm, 'alice', 'bob');
  await alice.send(bytes('one'));
  await copyAndGoOn(swarm, alice, (today) => today.send(bytes('two')));
  // Then nobody is there.
  await bob.channel$.stop();
  await swarm.crashImage('bob', 'bob again');
  const before = mlsMessages(swarm);

  const yesterday = await swarm.agent('alice', { dataDir: 'yesterday' }).openChannel(CHANNEL);
  const faults = new Recorder(yesterday.channel$.faults$);
  const sending = yesterday.send(bytes('three'));
  await reaches(yesterday.channel$, 'rejoining');
  await expect.poll(() => swarm.relay.entries(name).length).toBe(before + 1);
  expect(mlsMessages(swarm)).toBe(before);
  expect(faults.values.map(({ kind }) => kind)).toEqual(['rolled-back']);

  // A member comes back and helps, without anybody telling it to.
  const again = await swarm.agent('bob', { dataDir: 'bob again' }).openChannel(CHANNEL);
  const seen = new Recorder(again.channel$);
  const changes = new Recorder(again.channel$.epochChanges$);
  await sending;

  expect((await seen.until(3)).map(textOf)).toEqual(['one', 'two', 'three']);
  expect(changes.values).toMatchObject([{ keyChanged: [] }]);
  expect(changes.values[0]?.added.map(({ identity }) => text(identity))).toEqual(['alice']);
  expect(yesterday.channel$.status$.value).toBe('live');
});

it('is given a fresh leaf by one of several members, while others send and change the group', async () => {
  await using swarm = await Swarm.create();
  const { alice, bob, carol } = await channelOf(swarm, 'alice', 'bob', 'carol');
  const seen = new Recorder(carol.channel$.pipe(filter(({ sender }) => text(sender) === 'alice')));
  bob.channel$.connect();
  await alice.send(bytes('one'));
  await copyAndGoOn(swarm, alice, (today) => today.send(bytes('two')));

  const yesterday = await swarm.agent('alice', { dataDir: 'yesterday' }).openChannel(CHANNEL);
  const sending = yesterday.send(bytes('three'));
  for (let round = 0; round < 5; round += 1) {
    await Promise.all([bob.send(bytes('busy')), carol.channel$.commit({ rotate: true })]);
  }
  await sending;

  expect((await seen.until(3)).map(textOf)).toEqual(['one', 'two', 'three']);
  expect(yesterday.channel$.state$.value.members).toHaveLength(3);
});

it('does not grant a request that is shown again, or that a stranger made', async () => {
  await using swarm = await Swarm.create();
  const { alice, bob } = await channelOf(swarm, 'alice', 'bob');
  const changes = new Recorder(bob.channel$.epochChanges$);
  bob.channel$.connect();
  await alice.send(bytes('one'));
  await copyAndGoOn(swarm, alice, (today) => today.send(bytes('two')));
  const yesterday = await swarm.agent('alice', { dataDir: 'yesterday' }).openChannel(CHANNEL);
  await yesterday.send(bytes('three'));
  await changes.until(1);

  const shown = swarm.relay.entries(name).find(({ payload }) => !isMls(payload));
  const [entry] = swarm.relay.entries(name);
  const transport = swarm.relay.connect();
  const group = groupTag(inspectMessage(entry?.payload ?? new Uint8Array()).groupId ?? new Uint8Array());
  const link = transport.open({ channel: name, group, start: { afterSeq: 0 }, credit: 1 });
  const faults = new Recorder(bob.channel$.faults$);
  await link.publish([
    { kind: 'message', epoch: 2n, messageId: new Uint8Array(16), payload: shown?.payload ?? new Uint8Array() },
  ]);
  await transport.close();
  await yesterday.send(bytes('four'));

  expect((await faults.until(1)).map(({ kind }) => kind)).toEqual(['undecryptable']);
  expect(changes.values).toHaveLength(1);
});

it('notices an old copy also by an own commit that it does not know', async () => {
  await using swarm = await Swarm.create();
  const { alice } = await channelOf(swarm, 'alice', 'bob');
  await copyAndGoOn(swarm, alice, (today) => today.channel$.commit({ rotate: true }));

  const yesterday = await swarm.agent('alice', { dataDir: 'yesterday' }).openChannel(CHANNEL);
  yesterday.channel$.connect();
  await reaches(yesterday.channel$, 'rejoining');
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
