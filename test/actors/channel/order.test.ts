import { filter, map } from 'rxjs';
import { expect, it } from 'vitest';
import type { ChannelEvent } from '../../../src/index.ts';
import { bytes, channelOf, invite, Recorder, Swarm, text, textOf } from '../../support/swarm.ts';

it('is an Observable of what the others say and an Observer of what this agent says', async () => {
  await using swarm = await Swarm.create();
  const { alice, bob } = await channelOf(swarm, 'alice', 'bob');
  const headings = new Recorder(
    bob.channel$.pipe(
      map(textOf),
      filter((line) => line.startsWith('# ')),
    ),
  );
  const own = new Recorder(alice.channel$);

  for (const line of ['# One', 'text', '# Two', 'more']) alice.channel$.next(bytes(line));

  expect(await headings.until(2)).toEqual(['# One', '# Two']);
  expect(own.values).toEqual([]);
});

it('shows one order to all subscribers, also when one of them sends from inside its handler', async () => {
  await using swarm = await Swarm.create();
  const { alice, bob } = await channelOf(swarm, 'alice', 'bob');
  const atAlice = new Recorder(alice.channel$.messages$.pipe(map(textOf)));
  const first: string[] = [];
  bob.channel$.messages$.subscribe((message) => {
    first.push(textOf(message));
    if (textOf(message).startsWith('ask')) bob.channel$.next(bytes(`answer to ${textOf(message)}`));
  });
  const second = new Recorder(bob.channel$.messages$.pipe(map(textOf)));

  for (let index = 0; index < 100; index += 1) alice.channel$.next(bytes(`ask ${index}`));

  await second.until(100);
  const asked = Array.from({ length: 100 }, (_, index) => `ask ${index}`);
  expect(first).toEqual(asked);
  expect(second.values).toEqual(asked);
  expect(await atAlice.until(100)).toEqual(asked.map((ask) => `answer to ${ask}`));
});

it('gives every subscriber of every member the same sequence numbers', async () => {
  await using swarm = await Swarm.create();
  const { alice, bob, carol } = await channelOf(swarm, 'alice', 'bob', 'carol');
  const seen = [bob, carol].map(
    ({ channel$ }) => new Recorder(channel$.pipe(filter(({ sender }) => text(sender) === 'alice'))),
  );

  const receipts = await Promise.all(Array.from({ length: 50 }, (_, index) => alice.send(bytes(`${index}`))));

  const sent = receipts.map(({ seq }, index) => [seq, `${index}`]);
  for (const recorder of seen) {
    expect((await recorder.until(50)).map((message) => [message.seq, textOf(message)])).toEqual(sent);
  }
});

it('shows the state of an epoch before its change, and no message of an epoch before the change to it', async () => {
  await using swarm = await Swarm.create();
  const { alice, bob } = await channelOf(swarm, 'alice', 'bob');
  const epochs: { event: ChannelEvent; stateEpoch: bigint }[] = [];
  const events = new Recorder(bob.channel$.events$);
  bob.channel$.events$.subscribe((event) => epochs.push({ event, stateEpoch: bob.channel$.state$.value.epoch }));

  alice.channel$.next(bytes('before'));
  await invite(alice, swarm.agent('carol'));
  alice.channel$.next(bytes('between'));
  await invite(alice, swarm.agent('dave'));
  alice.channel$.next(bytes('after'));
  await events.until((values) => values.filter(({ kind }) => kind === 'message').length === 3);

  let epoch = 1n;
  for (const { event, stateEpoch } of epochs) {
    if (event.kind === 'epoch-change') {
      expect(event.epoch).toBe(epoch + 1n);
      expect(stateEpoch).toBe(event.epoch);
      epoch = event.epoch;
    }
    if (event.kind === 'message') expect(event.epoch <= epoch).toBe(true);
  }
  expect(epoch).toBe(3n);
  expect(bob.channel$.state$.value.members.map(({ identity }) => text(identity))).toEqual([
    'alice',
    'bob',
    'carol',
    'dave',
  ]);
});

it('tells who was added, who was removed, and by whom', async () => {
  await using swarm = await Swarm.create();
  const { alice, bob } = await channelOf(swarm, 'alice', 'bob');
  const changes = new Recorder(bob.channel$.epochChanges$);
  bob.channel$.connect();

  await invite(alice, swarm.agent('carol'));
  await alice.removeMember(bytes('carol'));

  const [added, removed] = await changes.until(2);
  expect(added?.added.map(({ identity }) => text(identity))).toEqual(['carol']);
  expect(removed?.removed.map(({ identity }) => text(identity))).toEqual(['carol']);
  expect(changes.values.map(({ committer }) => committer && text(committer))).toEqual(['alice', 'alice']);
});

it('tells replayed messages from live ones', async () => {
  await using swarm = await Swarm.create();
  const { alice, bob } = await channelOf(swarm, 'alice', 'bob');
  await alice.send(bytes('early'));
  const seen = new Recorder(bob.channel$);
  await seen.until(1);
  await alice.send(bytes('late'));

  expect((await seen.until(2)).map((message) => [textOf(message), message.phase])).toEqual([
    ['early', 'replay'],
    ['late', 'live'],
  ]);
});
