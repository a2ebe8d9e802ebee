import { firstValueFrom } from 'rxjs';
import { expect, it } from 'vitest';
import { bytes, channelOf, invite, next, reaches, Recorder, Swarm, text, textOf } from '../../support/swarm.ts';

const identities = (members: readonly { identity: Uint8Array }[]): string[] =>
  members.map(({ identity }) => text(identity)).sort();

it('adds everybody when several members commit at once: one wins each epoch, the others do it again', async () => {
  await using swarm = await Swarm.create();
  const { alice, bob, carol } = await channelOf(swarm, 'alice', 'bob', 'carol');
  const newcomers = ['dave', 'erin', 'frank'].map((name) => swarm.agent(name));

  const joined = await Promise.all(
    [alice, bob, carol].map((member, index) => invite(member, newcomers[index] ?? swarm.agent('nobody'))),
  );

  const everybody = ['alice', 'bob', 'carol', 'dave', 'erin', 'frank'];
  const greeted = [...[alice, bob, carol], ...joined].map(({ channel$ }) => new Recorder(channel$));
  await alice.send(bytes('welcome all'));
  for (const recorder of greeted.slice(1)) {
    expect((await recorder.until((values) => values.some((value) => textOf(value) === 'welcome all'))).length).toBe(1);
  }
  for (const { channel$ } of [alice, bob, carol, ...joined]) {
    expect(identities(channel$.state$.value.members)).toEqual(everybody);
    expect(channel$.state$.value.epoch).toBe(5n);
  }
});

it('makes one commit of the changes that come while another is under way', async () => {
  await using swarm = await Swarm.create();
  const { alice } = await channelOf(swarm, 'alice');
  const names = Array.from({ length: 20 }, (_, index) => `agent-${index}`);
  const agents = names.map((name) => swarm.agent(name));
  const keyPackages = await Promise.all(agents.map((agent) => agent.generateKeyPackage()));

  const welcomes = await Promise.all(keyPackages.map((keyPackage) => alice.addMember(keyPackage)));

  expect(alice.channel$.state$.value.epoch).toBeLessThanOrEqual(2n);
  const channels = await Promise.all(
    agents.map((agent, index) => agent.joinChannel(alice.name, welcomes[index] ?? new Uint8Array())),
  );
  const seen = channels.map(({ channel$ }) => new Recorder(channel$));
  await alice.send(bytes('hello'));
  for (const recorder of seen) expect((await recorder.until(1)).map(textOf)).toEqual(['hello']);
});

it('does not let one bad change spoil the others of its commit', async () => {
  await using swarm = await Swarm.create();
  const { alice } = await channelOf(swarm, 'alice', 'bob');
  const [carol, dave] = [swarm.agent('carol'), swarm.agent('dave')];
  const [first, again, fourth] = [
    await carol.generateKeyPackage(),
    await swarm.agent('carol', { dataDir: 'second carol' }).generateKeyPackage(),
    await dave.generateKeyPackage(),
  ];
  const outcomes = await Promise.allSettled([
    alice.channel$.commit({ rotate: true }),
    alice.addMember(first),
    alice.removeMember(bytes('nobody')),
    alice.addMember(bytes('garbage')),
    alice.addMember(again),
    alice.removeMember(bytes('bob')),
    alice.addMember(fourth),
  ]);

  expect(
    outcomes.map((outcome) => (outcome.status === 'fulfilled' ? 'done' : (outcome.reason as { code: string }).code)),
  ).toEqual(['done', 'done', 'not_found', 'invalid_key_package', 'mls_error', 'done', 'done']);
  expect(identities(alice.channel$.state$.value.members)).toEqual(['alice', 'carol', 'dave']);
});

it('completes normally for somebody who was removed, and tells it to whoever waits', async () => {
  await using swarm = await Swarm.create();
  const { alice, bob } = await channelOf(swarm, 'alice', 'bob');
  const events = new Recorder(bob.channel$.events$);
  const messages = new Recorder(bob.channel$);

  await alice.send(bytes('last'));
  await alice.removeMember(bytes('bob'));
  await events.until(() => events.isComplete);
  await alice.send(bytes('without bob'));

  expect(messages.values.map(textOf)).toEqual(['last']);
  expect(messages.isComplete).toBe(true);
  expect(bob.channel$.status$.value).toBe('removed');
  await expect(bob.send(bytes('hello?'))).rejects.toMatchObject({ code: 'removed_from_group' });
});

it('rotates keys: a new epoch with the same members', async () => {
  await using swarm = await Swarm.create();
  const { alice, bob } = await channelOf(swarm, 'alice', 'bob');
  const changes = new Recorder(bob.channel$.epochChanges$);
  bob.channel$.connect();

  expect(await alice.channel$.commit({ rotate: true })).toMatchObject({ epoch: 2n, welcome: undefined });

  expect(await changes.until(1)).toMatchObject([{ epoch: 2n, added: [], removed: [] }]);
});

it('leaves: the others remove who asked, and its streams complete', async () => {
  await using swarm = await Swarm.create();
  const { alice, bob, carol } = await channelOf(swarm, 'alice', 'bob', 'carol');
  const atAlice = new Recorder(alice.channel$.events$);
  carol.channel$.connect();
  const atBob = new Recorder(bob.channel$.events$);
  await alice.send(bytes('before'));

  await bob.channel$.leave();
  await alice.send(bytes('after'));

  await atBob.until(() => atBob.isComplete);
  expect(bob.channel$.status$.value).toBe('removed');
  expect(atBob.values.map(({ kind }) => kind)).not.toContain('fault');
  await atAlice.until((events) => events.some(({ kind }) => kind === 'epoch-change'));
  const kinds = atAlice.values.map(({ kind }) => kind);
  expect(kinds.filter((kind) => kind === 'leave-request')).toHaveLength(1);
  expect(kinds).not.toContain('fault');
  expect(identities(alice.channel$.state$.value.members)).toEqual(['alice', 'carol']);
  expect((await new Recorder(carol.channel$).until(2)).map(textOf)).toEqual(['before', 'after']);
});

it('leaves once somebody is there to confirm it, also after a restart', async () => {
  await using swarm = await Swarm.create();
  const { alice, bob } = await channelOf(swarm, 'alice', 'bob');
  await alice.close();
  const refused = expect(bob.channel$.leave()).rejects.toMatchObject({ code: 'channel_closed' });
  await next(bob.channel$.state$, ({ seq }) => seq === 2);
  await bob.channel$.stop({ graceMs: 0 });
  await refused;

  await swarm.crashImage('bob', 'bob again');
  await swarm.crashImage('alice', 'alice again');
  const again = await swarm.agent('bob', { dataDir: 'bob again' }).openChannel(alice.name);
  again.channel$.connect();
  const founder = await swarm.agent('alice', { dataDir: 'alice again' }).openChannel(alice.name);
  founder.channel$.connect();

  await reaches(again.channel$, 'removed');
  await next(founder.channel$.state$, ({ epoch }) => epoch === 2n);
  expect(identities(founder.channel$.state$.value.members)).toEqual(['alice']);
});

it('shows all members one epoch authenticator and one safety number, and others after a change', async () => {
  await using swarm = await Swarm.create();
  const { alice, bob } = await channelOf(swarm, 'alice', 'bob');
  bob.channel$.connect();
  const before = [alice.channel$.state$.value.epochAuthenticator, alice.channel$.safetyNumber()];
  expect([bob.channel$.state$.value.epochAuthenticator, bob.channel$.safetyNumber()]).toEqual(before);
  expect(before[1]).toMatch(/^(\d{5} ){11}\d{5}$/);

  const carol = await invite(alice, swarm.agent('carol'));
  await next(bob.channel$.state$, ({ epoch }) => epoch === 2n);

  const after = [alice, bob, carol].map(({ channel$ }) => [
    channel$.state$.value.epochAuthenticator,
    channel$.safetyNumber(),
  ]);
  expect(after[1]).toEqual(after[0]);
  expect(after[2]).toEqual(after[0]);
  expect(after[0]).not.toEqual(before);
});

it('cannot be left by its only member', async () => {
  await using swarm = await Swarm.create();
  const { alice } = await channelOf(swarm, 'alice');

  await expect(alice.channel$.leave()).rejects.toMatchObject({ code: 'bad_request' });
  await alice.send(bytes('still here'));
});

it('takes a member back that lost its data directory, and tells that its key is another', async () => {
  await using swarm = await Swarm.create();
  const { alice, bob, carol } = await channelOf(swarm, 'alice', 'bob', 'carol');
  const changes = new Recorder(carol.channel$.epochChanges$);
  carol.channel$.connect();
  bob.channel$.connect();
  const fresh = swarm.agent('bob', { dataDir: 'bob, after the disk broke' });

  const { welcome } = await alice.channel$.commit({ replace: [await fresh.generateKeyPackage()] });
  const again = await fresh.joinChannel(alice.name, welcome ?? new Uint8Array());
  await alice.send(bytes('welcome back'));

  expect((await new Recorder(again.channel$).until(1)).map(textOf)).toEqual(['welcome back']);
  await reaches(bob.channel$, 'removed');
  const [change] = await changes.until(1);
  expect(change?.keyChanged.map(({ identity }) => text(identity))).toEqual(['bob']);
  expect(identities(carol.channel$.state$.value.members)).toEqual(['alice', 'bob', 'carol']);
});

it('refuses a change that makes no sense, and stays as it was', async () => {
  await using swarm = await Swarm.create();
  const { alice, bob } = await channelOf(swarm, 'alice', 'bob');

  await expect(alice.removeMember(bytes('nobody'))).rejects.toMatchObject({ code: 'not_found' });
  await expect(invite(alice, swarm.agent('bob', { dataDir: 'another bob' }))).rejects.toMatchObject({
    code: 'mls_error',
  });

  expect(alice.channel$.state$.value.epoch).toBe(1n);
  await alice.send(bytes('still here'));
  expect((await new Recorder(bob.channel$).until(1)).map(textOf)).toEqual(['still here']);
});

it('sends the same commit again when its answer was lost', async () => {
  await using swarm = await Swarm.create();
  const { alice } = await channelOf(swarm, 'alice');
  alice.channel$.connect();
  swarm.relay.loseNextAnswer();

  const bob = await invite(alice, swarm.agent('bob'));

  expect(identities(bob.channel$.state$.value.members)).toEqual(['alice', 'bob']);
  expect(alice.channel$.state$.value.epoch).toBe(1n);
});

it('does not show a second group under the same name: its founder is refused', async () => {
  await using swarm = await Swarm.create();
  const { alice } = await channelOf(swarm, 'alice', 'bob');
  const mallory = await swarm.agent('mallory').createChannel(alice.name);

  await expect(mallory.send(bytes('mine'))).rejects.toMatchObject({ code: 'channel_exists' });

  expect(mallory.channel$.status$.value).toBe('refused');
  expect(mallory.channel$.state$.value.cause?.code).toBe('channel_exists');
});

it('tells who has joined, left and come back, member by member, in epoch order for all', async () => {
  await using swarm = await Swarm.create();
  const { alice, bob } = await channelOf(swarm, 'alice', 'bob');
  const seen = [bob, bob, alice].map(({ channel$ }) => new Recorder(channel$.membership$));
  bob.channel$.connect();
  const [carol, dave, carolAgain] = [
    swarm.agent('carol'),
    swarm.agent('dave'),
    swarm.agent('carol', { dataDir: 'new' }),
  ];

  await alice.channel$.commit({ add: [await carol.generateKeyPackage(), await dave.generateKeyPackage()] });
  await bob.removeMember(bytes('dave'));
  await alice.channel$.commit({ replace: [await carolAgain.generateKeyPackage()] });

  const expected = [
    ['carol', 'joined', 'alice', 2n],
    ['dave', 'joined', 'alice', 2n],
    ['dave', 'left', 'bob', 3n],
    ['carol', 'rejoined', 'alice', 4n],
  ];
  for (const recorder of seen) {
    const changes = (await recorder.until(4)).map(({ member, change, by, epoch }) => {
      return [text(member.identity), change, by && text(by), epoch];
    });
    expect(changes).toEqual(expected);
  }
});

it('says of everything that comes from the log where it stands, from whom, when, and whether it is news', async () => {
  await using swarm = await Swarm.create();
  const { alice, bob, carol } = await channelOf(swarm, 'alice', 'bob', 'carol');
  bob.channel$.respond(({ payload }) => [payload]);
  const events = new Recorder(alice.channel$.events$);
  const leaving = carol.channel$.leave();
  await leaving;
  await firstValueFrom(alice.channel$.request(bytes('?'), { timeoutMs: 10_000 }));
  await bob.send(bytes('bye'));
  await events.until((values) => values.some(({ kind }) => kind === 'message'));

  const kinds = new Set<string>();
  let lastSeq = 0;
  for (const event of events.values) {
    if (event.kind === 'fault') continue;
    kinds.add(event.kind);
    expect(event).toMatchObject({
      seq: expect.any(Number) as number,
      epoch: expect.any(BigInt) as bigint,
      phase: expect.stringMatching(/^(replay|live)$/) as string,
      receivedAt: expect.any(Number) as number,
    });
    expect('sender' in event ? event.sender : event.committer).toBeInstanceOf(Uint8Array);
    expect(event.seq).toBeGreaterThan(lastSeq);
    lastSeq = event.seq;
  }
  expect([...kinds].sort()).toEqual(['epoch-change', 'leave-request', 'message', 'reply']);
});
