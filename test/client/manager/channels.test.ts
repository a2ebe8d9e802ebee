import { filter, map } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { introduce, ManagedSwarm } from '../../support/managers.ts';
import { bytes, CHANNEL, next, reaches, Recorder, text } from '../../support/swarm.ts';

const OTHER = 'acme/research/other';

describe('channels of a manager', () => {
  it('are made once, listed, and open again by themselves in the next run', async () => {
    await using swarm = await ManagedSwarm.create();
    const { manager } = swarm.manager('alice');
    await manager.create(OTHER);
    await manager.create(CHANNEL);
    await manager.create(CHANNEL);
    expect(await manager.channels()).toEqual([OTHER, CHANNEL]);
    expect((await manager.send(CHANNEL, 'first')).seq).toBe(1);
    await manager.close();

    const again = swarm.manager('alice').manager;
    await again.ready;
    // Nobody has asked for it: it is live all the same.
    await reaches(await again.channel$(CHANNEL), 'live');
    await again.create(CHANNEL);
    expect((await again.send(CHANNEL, 'second')).seq).toBe(2);
  });

  it('refuse bad names as the documentation says', async () => {
    await using swarm = await ManagedSwarm.create();
    const { manager } = swarm.manager('alice');
    await expect(manager.create('bad-name')).rejects.toThrow(
      /^invalid channel name: bad-name \(expected org\/namespace\/service\)$/,
    );
  });

  it('are all refused with the reason when the data directory cannot be opened', async () => {
    await using swarm = await ManagedSwarm.create();
    const first = swarm.manager('alice').manager;
    await first.ready;
    const second = swarm.manager('alice').manager;
    await expect(second.ready).rejects.toMatchObject({ code: 'data_dir_in_use' });
    await expect(second.create(CHANNEL)).rejects.toMatchObject({ code: 'data_dir_in_use' });
    await expect(second.receive(CHANNEL)).rejects.toMatchObject({ code: 'data_dir_in_use' });
    await second.close();
  });

  it('are closed with it: what was sent before is stored, what comes after is refused', async () => {
    await using swarm = await ManagedSwarm.create();
    const [alice, bob] = [swarm.manager('alice'), swarm.manager('bob')];
    await introduce(alice, bob);
    const sent = Promise.all(['one', 'two', 'three'].map((line) => alice.manager.send(CHANNEL, line)));
    const waiting = alice.manager.receive(CHANNEL, { timeoutMs: 60_000 });
    const refused = expect(waiting).rejects.toMatchObject({ code: 'channel_closed' });
    await alice.manager.close();
    await refused;

    expect((await sent).map(({ seq }) => seq)).toEqual([2, 3, 4]);
    await expect(alice.manager.send(CHANNEL, 'late')).rejects.toMatchObject({ code: 'channel_closed' });
    await expect(alice.manager.create(OTHER)).rejects.toMatchObject({ code: 'channel_closed' });
    expect(alice.faults.isComplete).toBe(true);
  });
});

describe('members', () => {
  it('are added, removed, and leave', async () => {
    await using swarm = await ManagedSwarm.create();
    const [alice, bob, carol] = [swarm.manager('alice'), swarm.manager('bob'), swarm.manager('carol')];
    await introduce(alice, bob);
    await carol.manager.join(CHANNEL, await bob.manager.addMember(CHANNEL, await carol.manager.keyPackage()));
    const alices$ = await alice.manager.channel$(CHANNEL);
    await next(alices$.state$, ({ members }) => members.length === 3);

    await alice.manager.removeMember(CHANNEL, 'bob');
    await expect(bob.manager.receive(CHANNEL)).rejects.toMatchObject({ code: 'removed_from_group' });
    await expect(bob.manager.send(CHANNEL, 'let me in')).rejects.toMatchObject({ code: 'removed_from_group' });
    expect(await bob.manager.channels()).toEqual([]);
    await expect(alice.manager.removeMember(CHANNEL, bytes('bob'))).rejects.toMatchObject({ code: 'not_found' });

    await carol.manager.leave(CHANNEL);
    expect(await carol.manager.channels()).toEqual([]);
    await expect(alice.manager.leave(CHANNEL)).rejects.toMatchObject({ code: 'bad_request' });
    // It is a member by its own channel's word until it hears that it is none.
    await next(alices$.state$, ({ members }) => members.length === 1);
  });

  it('renew their keys', async () => {
    await using swarm = await ManagedSwarm.create();
    const [alice, bob] = [swarm.manager('alice'), swarm.manager('bob')];
    await introduce(alice, bob);
    expect(await alice.manager.rotateKey(CHANNEL)).toBe(2n);
    await alice.manager.send(CHANNEL, 'under new keys');
    expect(await bob.manager.receiveEnvelopes(CHANNEL)).toMatchObject([
      { epoch: 2n, payload: bytes('under new keys') },
    ]);
  });
});

describe('channel$', () => {
  it('is the bridge to the reactive world, beside receive', async () => {
    await using swarm = await ManagedSwarm.create();
    const [alice, bob] = [swarm.manager('alice'), swarm.manager('bob')];
    await introduce(alice, bob);
    const bobs$ = await bob.manager.channel$(CHANNEL);
    const headings = new Recorder(
      bobs$.pipe(
        map(({ payload }) => text(payload)),
        filter((line) => line.startsWith('# ')),
      ),
    );
    (await alice.manager.channel$(CHANNEL)).next(bytes('some text'));
    await alice.manager.send(CHANNEL, '# Results');

    expect(await headings.until(1)).toEqual(['# Results']);
    const received: string[] = [];
    while (received.length < 2) received.push(...(await bob.manager.receive(CHANNEL)));
    expect(received).toEqual(['some text', '# Results']);
  });

  it('never waits for a receive that nobody calls', async () => {
    await using swarm = await ManagedSwarm.create();
    const alice = swarm.manager('alice');
    const bob = swarm.manager('bob', { receiveBuffer: { capacity: 2 } });
    await introduce(alice, bob);
    const seen = new Recorder(await bob.manager.channel$(CHANNEL));
    const seqs: number[] = [];
    for (let index = 1; index <= 6; index += 1) seqs.push((await alice.manager.send(CHANNEL, String(index))).seq);

    expect((await seen.until(6)).map(({ payload }) => text(payload))).toEqual(['1', '2', '3', '4', '5', '6']);
    expect(bob.faults.values).toEqual([
      { kind: 'unclaimed', channel: CHANNEL, fromSeq: seqs[0], toSeq: seqs[1], messages: 2 },
    ]);
    // From its first call on, receive has what comes. What came while nobody had stepped back yet was kept for it.
    const kept = await bob.manager.receive(CHANNEL, { timeoutMs: 0 });
    expect(kept).toEqual(['3', '4', '5', '6'].slice(0, kept.length));
    await alice.manager.send(CHANNEL, '7');
    expect(await bob.manager.receive(CHANNEL)).toEqual(['7']);
  });

  it('can be consumed by whoever has the channels to himself', async () => {
    await using swarm = await ManagedSwarm.create();
    const alice = swarm.manager('alice');
    const bob = swarm.manager('bob', { listens: false });
    await introduce(alice, bob);
    const handled: string[] = [];
    (await bob.manager.channel$(CHANNEL)).consume(({ payload }) => void handled.push(text(payload)));
    await alice.manager.send(CHANNEL, 'one');
    await expect.poll(() => handled).toEqual(['one']);
    await expect(bob.manager.receive(CHANNEL)).rejects.toMatchObject({ code: 'bad_request' });
  });
});
