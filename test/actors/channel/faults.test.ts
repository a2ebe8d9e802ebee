import { expect, it } from 'vitest';
import { type Channel, parseChannelName } from '../../../src/index.ts';
import { systemRandom } from '../../../src/base/random.ts';
import { groupTag, inspectMessage } from '../../../src/mls/index.ts';
import type { PublishAnswer, Submission } from '../../../src/transport/index.ts';
import { bytes, CHANNEL, channelOf, isFault, Recorder, Swarm, textOf } from '../../support/swarm.ts';

const name = parseChannelName(CHANNEL);

/** Somebody who may write to the log and is no member. */
function stranger(swarm: Swarm): (submission: Omit<Submission, 'messageId'>) => Promise<PublishAnswer | undefined> {
  const [entry] = swarm.relay.entries(name);
  if (entry === undefined) throw new Error('the log is empty');
  const group = groupTag(inspectMessage(entry.payload).groupId ?? new Uint8Array());
  return async (submission) => {
    const transport = swarm.relay.connect();
    const link = transport.open({ channel: name, group, start: { afterSeq: 0 }, credit: 1 });
    const [answer] = await link.publish([{ ...submission, messageId: systemRandom.bytes(16) }]);
    await transport.close();
    return answer;
  };
}

it('reports an entry that cannot be read, skips it, and goes on', async () => {
  await using swarm = await Swarm.create();
  const { alice, bob } = await channelOf(swarm, 'alice', 'bob');
  const faults = new Recorder(bob.channel$.faults$);
  const seen = new Recorder(bob.channel$);
  await alice.send(bytes('one'));
  const publish = stranger(swarm);

  await publish({ kind: 'message', epoch: 1n, payload: bytes('no MLS message at all') });
  const genuine = swarm.relay.entries(name).at(-2);
  await publish({ kind: 'message', epoch: 1n, payload: genuine?.payload ?? new Uint8Array() });
  await alice.send(bytes('two'));

  expect((await seen.until(2)).map(textOf)).toEqual(['one', 'two']);
  expect(faults.values.filter(isFault('undecryptable')).map(({ seq }) => seq)).toEqual([3, 4]);
});

it('does not take a message under an id that its sender did not give it', async () => {
  await using swarm = await Swarm.create();
  const { alice, bob } = await channelOf(swarm, 'alice', 'bob');
  const faults = new Recorder(bob.channel$.faults$);
  await alice.send(bytes('one'));
  const publish = stranger(swarm);
  const stolen = swarm.relay.entries(name).at(-1);
  swarm.relay.trim(name, stolen?.seq ?? 0);
  await publish({ kind: 'message', epoch: 1n, payload: stolen?.payload ?? new Uint8Array() });
  const seen = new Recorder(bob.channel$);
  await alice.send(bytes('two'));

  expect((await seen.until(1)).map(textOf)).toEqual(['two']);
  expect(faults.values.map(({ kind }) => kind)).toEqual(['gap', 'undecryptable']);
});

it('reports a gap, and reads on behind it', async () => {
  await using swarm = await Swarm.create();
  const { alice, bob } = await channelOf(swarm, 'alice', 'bob');
  const faults = new Recorder(bob.channel$.faults$);
  for (let index = 1; index <= 5; index += 1) await alice.send(bytes(`${index}`));
  swarm.relay.trim(name, 4);

  const seen = new Recorder(bob.channel$);
  expect((await seen.until(2)).map(textOf)).toEqual(['4', '5']);
  await alice.send(bytes('6'));
  await seen.until(3);

  expect(faults.values.filter(isFault('gap'))).toMatchObject([{ resumesAtSeq: 5 }]);
});

it('keeps the latest messages for the first subscriber, and tells which it had to drop', async () => {
  await using swarm = await Swarm.create();
  const { alice, bob } = await channelOf(swarm, 'alice', 'bob');
  const faults = new Recorder(bob.channel$.faults$);
  // Starts the flow without anybody who listens.
  bob.channel$.connect();
  await Promise.all(Array.from({ length: 1030 }, (_, index) => alice.send(bytes(`${index}`))));
  await faults.until(6);

  const seen = new Recorder(bob.channel$);
  await seen.until(1024);

  const unread = faults.values.filter(isFault('unread'));
  expect(unread.reduce((sum, { messages }) => sum + messages, 0)).toBe(6);
  expect(seen.values.map(textOf)).toEqual(Array.from({ length: 1024 }, (_, index) => `${index + 6}`));
});

it('turns the error of a source into a fault and lives on; the end of a source is no event', async () => {
  await using swarm = await Swarm.create();
  const { alice, bob } = await channelOf(swarm, 'alice', 'bob');
  const faults = new Recorder(alice.channel$.faults$);
  const channel$: Channel = alice.channel$;

  channel$.error(new Error('the sensor broke'));
  channel$.complete();
  channel$.next(bytes('still here'));

  expect((await new Recorder(bob.channel$).until(1)).map(textOf)).toEqual(['still here']);
  expect(faults.values.map((fault) => fault.kind)).toEqual(['source-error']);
});
