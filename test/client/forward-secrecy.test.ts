import { expect, it } from 'vitest';
import { copyBytes } from '../../src/base/bytes.ts';
import { parseChannelName, type SkytaleClientOptions } from '../../src/index.ts';
import { stateOf } from '../../src/mls/group-state.ts';
import { createMlsEngine, mlsGroupCodec, openDataDirectory } from '../../src/mls/index.ts';
import { copyOf, holds, plunder } from '../mls/store/plunder.ts';
import { bytes, CHANNEL, invite, reaches, Recorder, Swarm } from '../support/swarm.ts';

/** The secret that the key of alice's next message follows from, as a copy of an agent's directory has it. */
async function nextSecretOfAlice(dataDir: string): Promise<Uint8Array> {
  const codec = mlsGroupCodec(await createMlsEngine());
  await using store = (await openDataDirectory(copyOf(dataDir), { codec })).store;
  const record = await store.loadChannel(parseChannelName(CHANNEL));
  if (record === undefined) throw new Error('the channel is not there');
  const ratchets = stateOf(record.group).secretTree[0];
  if (ratchets === undefined) throw new Error('alice is not there');
  return copyBytes(ratchets.application.secret);
}

/** Whether what a message was encrypted with is on disk right after it was sent, and after it was read. */
async function spentSecretsOnDisk(foldAfterMs: number): Promise<{ sender: boolean; reader: boolean }> {
  await using swarm = await Swarm.create();
  const options: SkytaleClientOptions = { foldAfterMs };
  const alice = await swarm.agent('alice', options).createChannel(CHANNEL);
  const bob = await invite(alice, swarm.agent('bob', options));
  const seen = new Recorder(bob.channel$);
  await reaches(bob.channel$, 'live');
  await alice.send(bytes('so that both have written since'));
  await seen.until(1);
  const secret = await nextSecretOfAlice(swarm.dataDir('alice'));
  expect(await nextSecretOfAlice(swarm.dataDir('bob'))).toEqual(secret);

  await alice.send(bytes('secret'));
  await seen.until(2);
  const [sender, reader] = await Promise.all(
    ['alice', 'bob'].map(async (name) => holds(await plunder(copyOf(swarm.dataDir(name))), secret)),
  );
  return { sender: sender ?? true, reader: reader ?? true };
}

it('leaves no spent key on disk behind a message with `foldAfterMs: 0`', async () => {
  expect(await spentSecretsOnDisk(0)).toEqual({ sender: false, reader: false });
});

it('leaves it there for as long as `foldAfterMs` says', async () => {
  expect(await spentSecretsOnDisk(3_600_000)).toEqual({ sender: true, reader: true });
});

it('takes 0 to an hour for `foldAfterMs`', async () => {
  await using swarm = await Swarm.create();
  for (const foldAfterMs of [-1, 0.5, 3_600_001]) {
    expect(() => swarm.agent('alice', { foldAfterMs })).toThrow('Expected `foldAfterMs`');
  }
});
