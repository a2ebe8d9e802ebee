import { expect, it } from 'vitest';
import { systemClock } from '../../../src/base/clock.ts';
import { systemRandom } from '../../../src/base/random.ts';
import { type AcceptMember, type Clock, parseChannelName, type SkytaleClientOptions } from '../../../src/index.ts';
import { groupTag, inspectMessage } from '../../../src/mls/index.ts';
import { bytes, CHANNEL, channelOf, invite, reaches, Recorder, Swarm, text, textOf } from '../../support/swarm.ts';

const name = parseChannelName(CHANNEL);

/** A clock on which nothing is further away than a second: who gives up after a minute does so then. */
const hurried: Clock = {
  ...systemClock,
  schedule: (delayMs, task) => systemClock.schedule(Math.min(delayMs, 1_000), task),
};

/** An engine that fails at the commits of others, so many times, because its policy throws. */
function failing(times: number): SkytaleClientOptions & { readonly failures: () => number } {
  let failures = 0;
  const acceptMember: AcceptMember = (_, { occasion }) => {
    if (occasion !== 'commit' || failures === times) return true;
    failures += 1;
    throw new Error('injected');
  };
  return { acceptMember, failures: () => failures };
}

/** Requests for a fresh leaf in the log: what is neither a commit nor a message of MLS. */
function requests(swarm: Swarm): number {
  return swarm.relay.entries(name).filter(({ payload }) => !isMls(payload)).length;
}

function isMls(payload: Uint8Array): boolean {
  try {
    return inspectMessage(payload).epoch !== undefined;
  } catch {
    return false;
  }
}

it('gets a fresh leaf from another member when a commit cannot be applied, and goes on', async () => {
  await using swarm = await Swarm.create();
  const { alice, carol } = await channelOf(swarm, 'alice', 'carol');
  const injected = failing(2);
  const bob = await invite(alice, swarm.agent('bob', injected));
  const [heard, faults] = [new Recorder(bob.channel$), new Recorder(bob.channel$.faults$)];
  const seen = new Recorder(carol.channel$);
  const statuses = new Recorder(bob.channel$.status$);
  await alice.send(bytes('before'));
  await heard.until(1);

  await invite(carol, swarm.agent('dave'));
  await statuses.until((values) => values.includes('rejoining'));
  const sent = bob.send(bytes('kept meanwhile'));
  await sent;
  await alice.send(bytes('after'));

  expect((await heard.until(2)).map(textOf)).toEqual(['before', 'after']);
  expect((await seen.until(3)).map(textOf)).toEqual(['before', 'kept meanwhile', 'after']);
  expect(injected.failures()).toBe(2);
  expect(faults.values.map(({ kind }) => kind)).toEqual(['crashed', 'stuck', 'gap']);
  expect(requests(swarm)).toBe(1);
  expect(bob.channel$.state$.value.members.map(({ identity }) => text(identity)).sort()).toEqual([
    'alice',
    'bob',
    'carol',
    'dave',
  ]);
  expect(bob.channel$.state$.value.epochAuthenticator).toEqual(alice.channel$.state$.value.epochAuthenticator);
});

it('stays stuck, for all to see, when the next commit cannot be applied either, and asks no second time', async () => {
  await using swarm = await Swarm.create();
  const { alice } = await channelOf(swarm, 'alice');
  const bob = await invite(alice, swarm.agent('bob', failing(Infinity)));
  bob.channel$.connect();
  const statuses = new Recorder(bob.channel$.status$);
  await invite(alice, swarm.agent('carol'));
  await statuses.until((values) => values.slice(values.indexOf('rejoining')).includes('live'));

  await invite(alice, swarm.agent('dave'));
  await reaches(bob.channel$, 'stuck');
  expect(requests(swarm)).toBe(1);
  expect(bob.channel$.state$.value.cause).toMatchObject({ code: 'mls_error' });
  await expect(bob.send(bytes('no'))).rejects.toMatchObject({ code: 'mls_error' });
});

it('gets stuck again, and helped again, at a later commit', async () => {
  await using swarm = await Swarm.create();
  const { alice } = await channelOf(swarm, 'alice');
  let isFailing = true;
  const acceptMember: AcceptMember = (_, { occasion }) => {
    if (occasion === 'commit' && isFailing) throw new Error('injected');
    return true;
  };
  const bob = await invite(alice, swarm.agent('bob', { acceptMember }));
  const heard = new Recorder(bob.channel$);
  const statuses = new Recorder(bob.channel$.status$);
  for (const [index, round] of ['first', 'second'].entries()) {
    isFailing = true;
    await invite(alice, swarm.agent(round));
    await statuses.until((values) => values.filter((status) => status === 'rejoining').length === index + 1);
    await reaches(bob.channel$, 'live');
    isFailing = false;
    await alice.channel$.commit({ rotate: true });
    await alice.send(bytes(round));
    await heard.until(index + 1);
  }
  expect(heard.values.map(textOf)).toEqual(['first', 'second']);
  expect(requests(swarm)).toBe(2);
});

it('stops in front of a commit that nobody can apply, after a second try, and says so', async () => {
  await using swarm = await Swarm.create();
  const { alice } = await channelOf(swarm, 'alice');
  const bob = await invite(alice, swarm.agent('bob', { clock: hurried }));
  const [faults, statuses] = [new Recorder(bob.channel$.faults$), new Recorder(bob.channel$.status$)];
  const seen = new Recorder(bob.channel$);
  await alice.send(bytes('before'));
  await seen.until(1);

  await publishAsStranger(swarm, bytes('no commit'));
  await reaches(bob.channel$, 'stuck');

  expect(faults.values.map(({ kind }) => kind)).toEqual(['crashed', 'stuck']);
  expect(statuses.values.slice(-2)).toEqual(['rejoining', 'stuck']);
  expect(bob.channel$.state$.value).toMatchObject({ seq: 2, epoch: 1n });
  await expect(bob.send(bytes('after'))).rejects.toMatchObject({ code: 'decryption_failure' });
  expect(seen.isComplete).toBe(false);
});

/** Puts a commit into the log that is none, in the present epoch. */
async function publishAsStranger(swarm: Swarm, payload: Uint8Array): Promise<void> {
  const [entry] = swarm.relay.entries(name);
  const group = groupTag(inspectMessage(entry?.payload ?? new Uint8Array()).groupId ?? new Uint8Array());
  const transport = swarm.relay.connect();
  const link = transport.open({ channel: name, group, start: { afterSeq: 0 }, credit: 1 });
  const [answer] = await link.publish([{ kind: 'commit', epoch: 1n, messageId: systemRandom.bytes(16), payload }]);
  expect(answer?.kind).toBe('accepted');
  await transport.close();
}
