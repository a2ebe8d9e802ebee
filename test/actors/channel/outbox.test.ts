import { createMemoryRelay } from '../../../src/index.ts';
import { expect, it } from 'vitest';
import { parseChannelName } from '../../../src/index.ts';
import { bytes, CHANNEL, channelOf, isFault, reaches, Recorder, Swarm, textOf } from '../../support/swarm.ts';

const name = parseChannelName(CHANNEL);

it('starts without a relay, says so on status$, and sends what was accepted once it is there', async () => {
  const relay = createMemoryRelay({ isOnline: false });
  await using swarm = await Swarm.create(relay);
  const alice = await swarm.agent('alice').createChannel(CHANNEL);
  const statuses = new Recorder(alice.channel$.status$);

  const sending = alice.send(bytes('hello'));
  await reaches(alice.channel$, 'offline');
  expect(relay.entries(name)).toHaveLength(0);
  relay.restore();

  expect(await sending).toMatchObject({ seq: 1, epoch: 0n });
  expect(statuses.values[0]).toBe('idle');
  expect(statuses.values.at(-1)).toBe('live');
});

it('sends again under the same id when the answer was lost, and the message is stored once', async () => {
  await using swarm = await Swarm.create();
  const { alice, bob } = await channelOf(swarm, 'alice', 'bob');
  const seen = new Recorder(bob.channel$);
  swarm.relay.loseNextAnswer();

  const receipt = await alice.send(bytes('once'));
  await alice.send(bytes('then'));

  expect((await seen.until(2)).map(textOf)).toEqual(['once', 'then']);
  expect(seen.values[0]?.seq).toBe(receipt.seq);
  expect(new Set(swarm.relay.entries(name).map(({ messageId }) => messageId.join())).size).toBe(
    swarm.relay.entries(name).length,
  );
});

it('keeps the order of one caller through interruptions', async () => {
  await using swarm = await Swarm.create();
  const { alice, bob } = await channelOf(swarm, 'alice', 'bob');
  const seen = new Recorder(bob.channel$);
  const lines = Array.from({ length: 300 }, (_, index) => `line ${index}`);

  const receipts: Promise<unknown>[] = [];
  for (const [index, line] of lines.entries()) {
    receipts.push(alice.send(bytes(line)));
    if (index % 60 === 30) swarm.relay.loseNextAnswer();
    if (index % 90 === 45) {
      swarm.relay.interrupt();
      await reaches(alice.channel$, 'offline');
      swarm.relay.restore();
    }
    if (index % 20 === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  await Promise.all(receipts);

  expect((await seen.until(lines.length)).map(textOf)).toEqual(lines);
});

it('keeps unsent messages when it is stopped, and sends them when it is opened again', async () => {
  await using swarm = await Swarm.create();
  const { alice, bob } = await channelOf(swarm, 'alice', 'bob');
  const seen = new Recorder(bob.channel$);
  swarm.relay.interrupt();
  await reaches(alice.channel$, 'offline');
  const sending = alice.send(bytes('kept'));
  alice.channel$.next(bytes('also kept'));
  const refused = expect(sending).rejects.toMatchObject({ code: 'channel_closed' });

  await alice.close();
  await refused;
  swarm.relay.restore();
  // The directory's owner is the client: a second client opens a copy, as after a crash.
  await swarm.crashImage('alice', 'alice again');
  const again = await swarm.agent('alice', { dataDir: 'alice again' }).openChannel(CHANNEL);
  expect(again.channel$.state$.value.unsettled).toBe(2);
  again.channel$.connect();

  expect((await seen.until(2)).map(textOf)).toEqual(['kept', 'also kept']);
});

it('settles a message by the log when the process died before it had noted the answer', async () => {
  await using swarm = await Swarm.create();
  const { alice, bob } = await channelOf(swarm, 'alice', 'bob');
  const seen = new Recorder(bob.channel$);
  await alice.send(bytes('one'));
  // The answer leaves the outbox with the next write, and there was none yet.
  await swarm.crashImage('alice', 'image');
  await alice.close();

  const again = await swarm.agent('alice', { dataDir: 'image' }).openChannel(CHANNEL);
  expect(again.channel$.state$.value.unsettled).toBe(1);
  again.channel$.connect();
  await reaches(again.channel$, 'live');
  expect(again.channel$.state$.value.unsettled).toBe(0);
  await again.send(bytes('two'));

  expect((await seen.until(2)).map(textOf)).toEqual(['one', 'two']);
});

it('hands a payload back that next() could not take', async () => {
  await using swarm = await Swarm.create(createMemoryRelay({ isOnline: false }));
  const alice = await swarm.agent('alice').createChannel(CHANNEL);
  const overflow = new Recorder(alice.channel$.faults$);

  // One turn of the event loop: nothing is taken out meanwhile.
  for (let index = 0; index < 1030; index += 1) alice.channel$.next(bytes(`${index}`));

  const faults = (await overflow.until(6)).filter(isFault('overflow'));
  expect(faults.map(({ payload }) => textOf({ payload } as never))).toEqual([
    '1024',
    '1025',
    '1026',
    '1027',
    '1028',
    '1029',
  ]);
});

it('rejects what the relay refuses for good, and goes on', async () => {
  await using swarm = await Swarm.create(createMemoryRelay({ maxPayloadBytes: 10_000 }));
  const { alice, bob } = await channelOf(swarm, 'alice', 'bob');
  const seen = new Recorder(bob.channel$);
  const faults = new Recorder(alice.channel$.faults$);

  await expect(alice.send(new Uint8Array(20_000))).rejects.toMatchObject({ code: 'message_too_large' });
  alice.channel$.next(new Uint8Array(20_001));
  await alice.send(bytes('small'));

  expect((await faults.until(1)).filter(isFault('rejected')).map(({ payload }) => payload.length)).toEqual([20_001]);
  expect((await seen.until(1)).map(textOf)).toEqual(['small']);
  expect(alice.channel$.state$.value.unsettled).toBe(0);
});

it('encrypts in the current epoch what waited through others, in order', async () => {
  await using swarm = await Swarm.create();
  const { alice, bob } = await channelOf(swarm, 'alice', 'bob');
  const seen = new Recorder(alice.channel$);
  await bob.send(bytes('first'));
  await bob.close();
  await swarm.crashImage('bob', 'bob offline');
  for (let round = 0; round < 6; round += 1) await alice.channel$.commit({ rotate: true });
  const again = await swarm.agent('bob', { dataDir: 'bob offline' }).openChannel(CHANNEL);

  const receipts = await Promise.all(['second', 'third'].map((line) => again.send(bytes(line))));

  expect(receipts.map(({ epoch }) => epoch)).toEqual([7n, 7n]);
  expect((await seen.until(3)).map(textOf)).toEqual(['first', 'second', 'third']);
});

it('refuses to send on a closed channel', async () => {
  await using swarm = await Swarm.create();
  const { alice } = await channelOf(swarm, 'alice');
  await alice.close();

  await expect(alice.send(bytes('late'))).rejects.toMatchObject({ code: 'channel_closed', name: 'ChannelError' });
  expect(() => alice.channel$.next(bytes('late'))).toThrow('is closed');
  await expect(alice.addMember(new Uint8Array(1))).rejects.toMatchObject({ code: 'channel_closed' });
});
