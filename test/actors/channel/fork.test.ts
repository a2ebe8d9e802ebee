import { filter, map, merge } from 'rxjs';
import { expect, it } from 'vitest';
import type { ChannelFault, LinkEvent, RelayTransport, Submission } from '../../../src/index.ts';
import { bytes, channelOf, invite, isFault, next, Recorder, Swarm, text, textOf } from '../../support/swarm.ts';

/**
 * A relay that tells one member another history: its next commit is answered as if it had won, and shown to it in the place of
 * the commit that the others see.
 */
function lying(relay: RelayTransport): RelayTransport & { lie(): Promise<void> } {
  let isLying = false;
  let caught: () => void = () => undefined;
  let forged: Submission | undefined;
  const rewrite = (event: LinkEvent): LinkEvent => {
    if (event.kind !== 'entries') return event;
    const entries = event.entries.map((entry) => {
      if (forged?.epoch !== entry.epoch || entry.kind !== 'commit') return entry;
      const { messageId, payload } = forged;
      return { ...entry, messageId, payload };
    });
    return { ...event, entries };
  };
  return {
    isAuthenticated: relay.isAuthenticated,
    status$: relay.status$,
    quota$: relay.quota$,
    awaitWelcome: (ref, signal) => relay.awaitWelcome(ref, signal),
    close: () => relay.close(),
    lie: () => {
      isLying = true;
      return new Promise((resolve) => (caught = resolve));
    },
    open: (options) => {
      const link = relay.open(options);
      return {
        events$: link.events$.pipe(map(rewrite)),
        grant: (entries) => link.grant(entries),
        publish: (submissions, round) => {
          const [first] = submissions;
          if (!isLying || first?.kind !== 'commit') return link.publish(submissions, round);
          isLying = false;
          forged = first;
          caught();
          return Promise.resolve([{ kind: 'accepted', seq: 0, duplicate: false }]);
        },
      };
    },
  };
}

async function split(swarm: Swarm, ...others: readonly string[]) {
  const transport = lying(swarm.relay.connect());
  const channels = await channelOf(swarm, 'alice', ...others);
  const alice = channels['alice'];
  if (alice === undefined) throw new Error('alice is always there');
  const bob = await invite(alice, swarm.agent('bob', { transport }));
  const heard = new Recorder(bob.channel$);
  await alice.send(bytes('together'));
  await heard.until(1);
  const caught = transport.lie();
  const apart = next(bob.channel$.epochChanges$);
  const own = bob.channel$.commit({ rotate: true });
  await caught;
  // The commit that everybody else sees.
  await alice.channel$.commit({ rotate: true });
  await apart;
  await own;
  return { alice, bob, heard, others: others.map((name) => channels[name]) };
}

it('is noticed when members cannot read each other, and the smaller side gets a fresh leaf from the larger', async () => {
  await using swarm = await Swarm.create();
  const { alice, bob, heard, others } = await split(swarm, 'carol');
  const [carol] = others;
  const faults = new Recorder<ChannelFault>(bob.channel$.faults$);
  const atAlice = new Recorder<ChannelFault>(alice.channel$.faults$);
  const statuses = new Recorder(bob.channel$.status$);
  const atCarol = carol && new Recorder(carol.channel$);
  carol?.channel$.connect();
  expect(bob.channel$.state$.value.epoch).toBe(alice.channel$.state$.value.epoch);
  expect(bob.channel$.state$.value.epochAuthenticator).not.toEqual(alice.channel$.state$.value.epochAuthenticator);

  await alice.send(bytes('unreadable to bob'));
  await statuses.until((values) => values.includes('rejoining'));
  await statuses.until((values) => values.at(-1) === 'live');

  expect(faults.values.filter(({ kind }) => kind !== 'crashed').map(({ kind }) => kind)).toEqual(
    expect.arrayContaining(['undecryptable', 'fork', 'gap']),
  );
  expect(atAlice.values.filter(isFault('fork')).map(({ sender }) => text(sender))).toEqual(['bob']);
  await alice.send(bytes('together again'));
  await heard.until(2);
  expect(heard.values.map(textOf)).toEqual(['together', 'together again']);
  expect((await atCarol?.until(3))?.map(textOf)).toEqual(['together', 'unreadable to bob', 'together again']);
  expect(bob.channel$.state$.value.epochAuthenticator).toEqual(alice.channel$.state$.value.epochAuthenticator);
  expect(alice.channel$.state$.value.status).toBe('live');
}, 60_000);

it('of two alone leaves one side to go on, and both know', async () => {
  await using swarm = await Swarm.create();
  const { alice, bob, heard } = await split(swarm);
  const atAlice = new Recorder(alice.channel$.messages$.pipe(filter(({ sender }) => text(sender) === 'bob')));
  const faults = [alice, bob].map(({ channel$ }) => new Recorder<ChannelFault>(channel$.faults$));
  const statuses = [alice, bob].map(({ channel$ }) => new Recorder(channel$.status$));
  await bob.send(bytes('unreadable to alice'));
  await next(merge(alice.channel$.status$, bob.channel$.status$), (status) => status === 'rejoining');
  await Promise.all(statuses.map((recorder) => recorder.until((values) => values.at(-1) === 'live')));

  for (const recorder of faults) expect(recorder.values.some(isFault('fork'))).toBe(true);
  expect(statuses.filter(({ values }) => values.includes('rejoining'))).toHaveLength(1);
  await alice.send(bytes('to bob'));
  await bob.send(bytes('to alice'));
  await heard.until(2);
  await atAlice.until(1);
  expect(textOf(atAlice.values[0] ?? (undefined as never))).toBe('to alice');
}, 60_000);

it('is not made of garbage: it is answered with one statement that all agree with', async () => {
  await using swarm = await Swarm.create();
  const { alice, bob, carol } = await channelOf(swarm, 'alice', 'bob', 'carol');
  const all = [alice, bob, carol];
  const faults = all.map(({ channel$ }) => new Recorder<ChannelFault>(channel$.faults$));
  const heard = all.map(({ channel$ }) => new Recorder(channel$));
  await alice.send(bytes('before'));
  await heard[1]?.until(1);
  const before = swarm.relay.entries(alice.channel$.name as never).length;
  const [entry] = swarm.relay.entries(alice.channel$.name as never).slice(-1);
  if (entry === undefined) throw new Error('the log is empty');
  const { groupTag, inspectMessage } = await import('../../../src/mls/index.ts');
  const group = groupTag(inspectMessage(entry.payload).groupId ?? new Uint8Array());
  const stranger = swarm.relay.connect();
  const link = stranger.open({ channel: alice.channel$.name as never, group, start: { afterSeq: 0 }, credit: 1 });
  for (const id of [1, 2, 3]) {
    const messageId = new Uint8Array(16).fill(id);
    await link.publish([{ kind: 'message', epoch: entry.epoch, messageId, payload: bytes('garbage') }]);
  }
  await Promise.all(faults.map((recorder) => recorder.until((values) => values.length >= 3)));
  await expect.poll(() => swarm.relay.entries(alice.channel$.name as never).length).toBeGreaterThan(before + 3);
  await alice.send(bytes('after'));
  await heard[1]?.until(2);
  await stranger.close();

  for (const { values } of faults) expect(values.every(isFault('undecryptable'))).toBe(true);
  expect(swarm.relay.entries(alice.channel$.name as never).length - before - 4).toBeLessThanOrEqual(3);
});
