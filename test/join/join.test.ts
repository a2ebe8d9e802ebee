import { describe, expect, it } from 'vitest';
import { bytes, CHANNEL, isFault, Recorder, text, textOf } from '../support/swarm.ts';
import { SwiftClock } from './swift-clock.ts';
import { epochOf, has, membersOf, tampered, until, Village, Watch } from './village.ts';

const DAY_MS = 24 * 3600 * 1000;

it('joins by a token, step by step, and is a member like any other', async () => {
  await using village = await Village.create();
  const alice = await village.founded('alice');
  const { token, id } = await alice.invite();
  expect(token).toMatch(/^skt_inv_[\w-]+$/);
  expect(token).not.toContain(id);
  const bob = village.agent('bob');
  const watch = new Watch(bob.join(CHANNEL, token));
  await watch.end;
  expect(watch.kinds).toEqual(['requested', 'admitted', 'joined']);
  const atBob = await bob.openChannel(CHANNEL);
  const [heardByBob, heardByAlice] = [new Recorder(atBob.channel$), new Recorder(alice.channel$)];
  await alice.send(bytes('welcome'));
  await atBob.send(bytes('thank you'));
  expect((await heardByBob.until(1)).map(textOf)).toEqual(['welcome']);
  expect((await heardByAlice.until(1)).map(textOf)).toEqual(['thank you']);
});

describe('a token of no use', () => {
  it.each([
    ['nothing', () => ''],
    ['another prefix', (token: string) => token.replace('skt_inv_', 'skt_')],
    ['one that is cut short', (token: string) => token.slice(0, -1)],
    ['one with more behind it', (token: string) => `${token}A`],
    [
      'one with a typing error',
      (token: string) => `${token.slice(0, 30)}${token[30] === 'x' ? 'y' : 'x'}${token.slice(31)}`,
    ],
  ])('is %s', async (_, damage) => {
    await using village = await Village.create();
    const alice = await village.founded('alice');
    const { token } = await alice.invite();
    const error: unknown = await village
      .agent('bob')
      .joinWithToken(CHANNEL, damage(token))
      .catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ name: 'ChannelError', code: 'invite_invalid', httpStatus: 400 });
    if (damage(token) !== '') expect((error as Error).message).not.toContain(damage(token).slice(12));
  });

  it('is one that has expired', async () => {
    await using village = await Village.create();
    const { token } = await (await village.founded('alice')).invite({ ttlSeconds: 60 });
    village.clock.setAhead(61_000);
    await expect(village.joined('bob', token)).rejects.toMatchObject({ code: 'invite_expired' });
  });

  it('is one that was revoked', async () => {
    await using village = await Village.create();
    const invite = await (await village.founded('alice')).invite();
    const { token } = invite;
    await invite.revoke();
    await expect(village.joined('bob', token)).rejects.toMatchObject({ code: 'invite_revoked' });
  });

  it('is one that was used up by another identity', async () => {
    await using village = await Village.create();
    const alice = await village.founded('alice');
    const { token } = await alice.invite();
    await village.joined('bob', token);
    await expect(village.joined('carol', token)).rejects.toMatchObject({ code: 'invite_exhausted', httpStatus: 409 });
    expect(membersOf(alice)).toEqual(['alice', 'bob']);
  });

  it('is one for another channel', async () => {
    await using village = await Village.create();
    const { token } = await (await village.founded('alice')).invite();
    const joining = village.agent('bob').joinWithToken('acme/research/elsewhere', token);
    await expect(joining).rejects.toMatchObject({ code: 'invite_wrong_channel' });
  });

  it('is one that this control plane has never seen', async () => {
    await using elsewhere = await Village.create();
    const { token } = await (await elsewhere.founded('alice')).invite();
    await using village = await Village.create();
    await village.founded('alice');
    await expect(village.joined('bob', token)).rejects.toMatchObject({ code: 'invite_unknown' });
  });

  it('is any without a control plane, or for who is in already', async () => {
    await using village = await Village.create();
    const alice = await village.founded('alice');
    const { token } = await alice.invite();
    const without = village.swarm.agent('dave');
    await expect(without.joinWithToken(CHANNEL, token)).rejects.toMatchObject({ code: 'api_key_required' });
    await expect((await without.createChannel('acme/research/mine')).invite()).rejects.toMatchObject({
      code: 'api_key_required',
    });
    const bob = village.agent('bob');
    await bob.joinWithToken(CHANNEL, token);
    await expect(bob.joinWithToken(CHANNEL, token)).rejects.toMatchObject({ code: 'channel_exists' });
  });
});

it('refuses to invite with options out of their range', async () => {
  await using village = await Village.create();
  const alice = await village.founded('alice');
  for (const options of [{ maxUses: 0 }, { maxUses: 10_001 }, { ttlSeconds: 59 }, { ttlSeconds: 2_592_001 }]) {
    await expect(alice.invite(options)).rejects.toMatchObject({ code: 'invalid_argument' });
  }
});

it('does not take the name of a channel that another account has', async () => {
  await using village = await Village.create();
  await village.founded('alice');
  const bob = village.agent('bob');
  await expect(bob.createChannel(CHANNEL)).rejects.toMatchObject({ code: 'channel_exists' });
  expect(await bob.channels()).toEqual([]);
});

it('waits while no member is there, says so, and is admitted when one comes back', async () => {
  await using village = await Village.create();
  const alice = village.agent('alice');
  const { token } = await (await alice.createChannel(CHANNEL)).invite();
  await alice.close();
  const watch = new Watch(village.agent('bob').join(CHANNEL, token));
  await watch.reaches('waiting-for-member');
  expect(watch.kinds).toEqual(['requested', 'waiting-for-member']);

  const back = await village.agent('alice').openChannel(CHANNEL);
  back.channel$.connect();
  await watch.end;
  expect(watch.kinds).toEqual(['requested', 'waiting-for-member', 'admitted', 'joined']);
  expect(membersOf(back)).toEqual(['alice', 'bob']);
});

it('gives up after its time, says that nobody was there, and takes the request back', async () => {
  await using village = await Village.create();
  const alice = village.agent('alice');
  const { token } = await (await alice.createChannel(CHANNEL)).invite();
  await alice.close();
  const joining = village.agent('bob').joinWithToken(CHANNEL, token, { timeoutMs: 5_000 });
  const error: unknown = await joining.catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ code: 'join_timeout' });
  expect((error as Error).message).toContain('no member was online');
  await expect.poll(() => village.account('alice').pending(CHANNEL as never), { timeout: 10_000 }).toEqual([]);
});

it('waits for the control plane, too, and a member tells of its absence once', async () => {
  await using village = await Village.create();
  const alice = await village.founded('alice');
  const { token } = await alice.invite();
  const faults = new Recorder(alice.channel$.faults$);
  village.controlPlane.interrupt();
  const watch = new Watch(village.agent('bob').join(CHANNEL, token));
  village.relay.interrupt();
  village.relay.restore();
  await faults.until((values) => values.some(isFault('control-plane')));
  // Long enough to have asked several times.
  const asked = village.clock.now() + 10_000;
  await expect.poll(() => village.clock.now(), { timeout: 10_000 }).toBeGreaterThan(asked);
  village.controlPlane.restore();
  await watch.end;
  expect(watch.kinds.at(-1)).toBe('joined');
  expect(faults.values.map(({ kind }) => kind)).toEqual(['control-plane']);
});

describe('an invite that wants approval', () => {
  it('shows who wants to join, and lets somebody admit them', async () => {
    await using village = await Village.create();
    const alice = await village.founded('alice');
    const { token, id } = await alice.invite({ approval: 'manual', maxUses: 2 });
    const watch = new Watch(village.agent('bob').join(CHANNEL, token));
    const request = await until(alice.channel$.joinRequests$, () => true);
    expect(request).toMatchObject({ identity: bytes('bob'), invite: id, replaces: false });
    expect(membersOf(alice)).toEqual(['alice']);
    await request.approve();
    expect(membersOf(alice)).toEqual(['alice', 'bob']);
    await watch.end;
    expect(watch.kinds.at(-1)).toBe('joined');
    await expect(request.approve()).rejects.toMatchObject({ code: 'not_found' });
  });

  it('tells who is denied why', async () => {
    await using village = await Village.create();
    const alice = await village.founded('alice');
    const { token } = await alice.invite({ approval: 'manual' });
    const watch = new Watch(village.agent('bob').join(CHANNEL, token));
    const request = await until(alice.channel$.joinRequests$, () => true);
    await expect(request.deny('x'.repeat(257))).rejects.toMatchObject({ code: 'invalid_argument' });
    await request.deny('we are full');
    expect(await watch.end).toMatchObject({ code: 'join_denied', httpStatus: 403 });
    expect(await watch.complaint()).toContain('we are full');
    expect(membersOf(alice)).toEqual(['alice']);
  });

  it('shows those that wait to who comes later, too, and not those that were decided', async () => {
    await using village = await Village.create();
    const alice = await village.founded('alice');
    const { token } = await alice.invite({ approval: 'manual', maxUses: 2 });
    const first = new Recorder(alice.channel$.joinRequests$);
    const [bob, carol] = [village.agent('bob'), village.agent('carol')].map(
      (agent) => new Watch(agent.join(CHANNEL, token)),
    );
    await first.until(2);
    const later = new Recorder(alice.channel$.joinRequests$);
    expect(later.values.map(({ identity }) => text(identity)).sort()).toEqual(['bob', 'carol']);
    for (const request of later.values) await request.approve();
    await Promise.all([bob?.end, carol?.end]);
    expect(new Recorder(alice.channel$.joinRequests$).values).toEqual([]);
    expect(first.values).toHaveLength(2);
  });
});

it('lets only the issuer admit where the invite says so', async () => {
  await using village = await Village.create();
  const alice = village.agent('alice');
  const atAlice = await alice.createChannel(CHANNEL);
  const open = await atAlice.invite();
  const reserved = await atAlice.invite({ admit: 'issuer' });
  const carol = await village.joined('carol', open.token);
  const seen = new Recorder(carol.channel$.joinRequests$);
  await alice.close();
  const watch = new Watch(village.agent('bob').join(CHANNEL, reserved.token));
  await watch.reaches('waiting-for-member');
  const asked = village.clock.now() + 5_000;
  await expect.poll(() => village.clock.now(), { timeout: 10_000 }).toBeGreaterThan(asked);
  expect(membersOf(carol)).toEqual(['alice', 'carol']);
  (await village.agent('alice').openChannel(CHANNEL)).channel$.connect();
  await has(carol, 'alice', 'bob', 'carol');
  expect(seen.values).toEqual([]);
});

it('makes one commit of a request that two members claim at once', async () => {
  await using village = await Village.create();
  const alice = await village.founded('alice');
  const open = await alice.invite();
  // Whatever carol asks for, she is told that she has it.
  const account = village.account('carol');
  let given = 0;
  const generous = tampered(account, {
    claim: async (channel, options = {}) => {
      const requests = (await account.pending(channel)).filter(({ id }) => options.ids?.includes(id));
      given += requests.length;
      return requests;
    },
  });
  const carol = await village.joined('carol', open.token, { controlPlane: generous });
  const { token } = await alice.invite({ maxUses: 20 });
  const names = Array.from({ length: 6 }, (_, index) => `agent ${index}`);
  const before = epochOf(alice);
  const changes = new Recorder(alice.channel$.epochChanges$);
  await Promise.all(names.map((name) => village.joined(name, token)));
  await has(alice, 'alice', 'carol', ...names);
  await has(carol, 'alice', 'carol', ...names);
  expect(given).toBeGreaterThan(0);
  // Everybody came in once, and no commit was made for nothing.
  const added = changes.values.flatMap((change) => change.added.map(({ identity }) => text(identity)));
  expect(added.sort()).toEqual([...names].sort());
  expect(changes.values.every((change) => change.added.length > 0 && change.removed.length === 0)).toBe(true);
  expect(epochOf(alice) - before).toBe(BigInt(changes.values.length));
});

describe('a token that its identity uses again', () => {
  it('replaces the old leaf in one commit', async () => {
    await using village = await Village.create();
    const alice = await village.founded('alice');
    const { token } = await alice.invite();
    const bob = village.agent('bob');
    await bob.joinWithToken(CHANNEL, token);
    await bob.close();
    const changes = new Recorder(alice.channel$.epochChanges$);
    const again = await village.agent('bob', { dataDir: 'bob anew' }).joinWithToken(CHANNEL, token);
    await changes.until(1);
    expect(changes.values).toHaveLength(1);
    const [change] = changes.values;
    expect(change?.added.map(({ identity }) => text(identity))).toEqual(['bob']);
    expect(change?.removed.map(({ identity }) => text(identity))).toEqual(['bob']);
    const heard = new Recorder(again.channel$);
    await alice.send(bytes('there you are'));
    expect((await heard.until(1)).map(textOf)).toEqual(['there you are']);
  });

  it('is good with another member than the one that admitted it before', async () => {
    await using village = await Village.create();
    const alice = village.agent('alice');
    const atAlice = await alice.createChannel(CHANNEL);
    const forCarol = await atAlice.invite();
    const carol = await village.joined('carol', forCarol.token);
    const forBob = await atAlice.invite();
    const bob = village.agent('bob');
    await bob.joinWithToken(CHANNEL, forBob.token);
    await has(carol, 'alice', 'bob', 'carol');
    await bob.close();
    await alice.close();
    await village.agent('bob', { dataDir: 'bob anew' }).joinWithToken(CHANNEL, forBob.token);
    expect(membersOf(carol)).toEqual(['alice', 'bob', 'carol']);
  });

  it('does not bring back by itself who was removed: somebody has to decide', async () => {
    await using village = await Village.create();
    const alice = await village.founded('alice');
    const { token } = await alice.invite();
    const bob = village.agent('bob');
    await bob.joinWithToken(CHANNEL, token);
    await alice.removeMember(bytes('bob'));
    await bob.close();
    const watch = new Watch(village.agent('bob', { dataDir: 'bob anew' }).join(CHANNEL, token));
    const request = await until(alice.channel$.joinRequests$, () => true);
    expect(request).toMatchObject({ identity: bytes('bob'), replaces: false });
    expect(membersOf(alice)).toEqual(['alice']);
    await request.approve();
    await watch.end;
    expect(membersOf(alice)).toEqual(['alice', 'bob']);
  });

  it('does not replace a member that came another way: somebody has to decide', async () => {
    await using village = await Village.create();
    const alice = await village.founded('alice');
    const bob = village.agent('bob');
    await bob.joinChannel(CHANNEL, await alice.addMember(await bob.generateKeyPackage()));
    await bob.close();
    const { token } = await alice.invite();
    const watch = new Watch(village.agent('bob', { dataDir: 'mallory' }).join(CHANNEL, token));
    const request = await until(alice.channel$.joinRequests$, () => true);
    expect(request).toMatchObject({ identity: bytes('bob'), replaces: true });
    await request.deny('bob is here already');
    expect(await watch.end).toMatchObject({ code: 'join_denied' });
  });
});

it('admits fifty at once in at most five commits', async () => {
  await using village = await Village.create(new SwiftClock(1));
  const alice = await village.founded('alice');
  const { token } = await alice.invite({ maxUses: 50 });
  const names = Array.from({ length: 50 }, (_, index) => `agent ${index}`);
  const agents = names.map((name) => village.agent(name));
  await Promise.all(agents.map(({ ready }) => ready));
  const before = epochOf(alice);
  await Promise.all(agents.map((agent) => agent.joinWithToken(CHANNEL, token)));
  expect(membersOf(alice)).toEqual(['alice', ...names].sort());
  expect(Number(epochOf(alice) - before)).toBeLessThanOrEqual(5);
}, 120_000);

it('denies a key package that has expired while it waited', async () => {
  await using village = await Village.create();
  const alice = village.agent('alice');
  const { token } = await (await alice.createChannel(CHANNEL)).invite({ ttlSeconds: 30 * 24 * 3600 });
  await alice.close();
  const watch = new Watch(village.agent('bob').join(CHANNEL, token));
  await watch.reaches('waiting-for-member');
  const late = new SwiftClock();
  // Key packages begin an hour before they are made and are good for 30 days; the invite began when it was made.
  late.setAhead(village.clock.now() - late.now() + 30 * DAY_MS - 1_800_000);
  const back = await village.agent('alice', { clock: late }).openChannel(CHANNEL);
  const faults = new Recorder(back.channel$.faults$);
  back.channel$.connect();
  expect(await watch.end).toMatchObject({ code: 'join_denied' });
  expect(await watch.complaint()).toContain('it has expired');
  expect(faults.values.map(({ kind }) => kind)).toEqual(['join-refused']);
  expect(membersOf(back)).toEqual(['alice']);
});

describe('a member that dies', () => {
  it('between claim and commit costs the length of a lease', async () => {
    await using village = await Village.create();
    const account = village.account('alice');
    let died: (() => void) | undefined;
    const death = new Promise<void>((resolve) => (died = resolve));
    const fatal = tampered(account, {
      claim: async (channel, options) => {
        await account.claim(channel, options);
        died?.();
        return new Promise(() => undefined);
      },
    });
    const { token } = await (await village.founded('alice', { controlPlane: fatal })).invite();
    const watch = new Watch(village.agent('bob').join(CHANNEL, token));
    await death;
    await village.swarm.crashImage('alice', 'alice after the crash');
    const back = await village.agent('alice', { dataDir: 'alice after the crash' }).openChannel(CHANNEL);
    back.channel$.connect();
    await watch.end;
    expect(watch.kinds.at(-1)).toBe('joined');
    expect(membersOf(back)).toEqual(['alice', 'bob']);
    expect(epochOf(back)).toBe(1n);
  });

  it('between commit and report has the report made after its restart, and nobody is added twice', async () => {
    await using village = await Village.create();
    const account = village.account('alice');
    let died: (() => void) | undefined;
    const death = new Promise<void>((resolve) => (died = resolve));
    const fatal = tampered(account, {
      admit: () => {
        died?.();
        return new Promise(() => undefined);
      },
    });
    const { token } = await (await village.founded('alice', { controlPlane: fatal })).invite();
    const bob = village.agent('bob');
    const requestIds: string[] = [];
    bob.join(CHANNEL, token).subscribe((step) => {
      if (step.kind === 'requested') requestIds.push(step.requestId);
    });
    await death;
    await village.swarm.crashImage('alice', 'alice after the crash');
    const back = await village.agent('alice', { dataDir: 'alice after the crash' }).openChannel(CHANNEL);
    back.channel$.connect();
    const status = async (): Promise<string> => (await village.account('bob').joinStatus(requestIds[0] ?? '')).status;
    await expect.poll(status, { timeout: 15_000 }).toBe('admitted');
    expect(membersOf(back)).toEqual(['alice', 'bob']);
    expect(epochOf(back)).toBe(1n);
  });
});
