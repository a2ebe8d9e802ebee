import { filter, lastValueFrom, toArray } from 'rxjs';
import { afterEach, describe, expect, it } from 'vitest';
import { SkytaleChannelManager, type SkytaleChannelManagerOptions } from '../../../src/index.ts';
import { introduce, ManagedSwarm } from '../../support/managers.ts';
import { bytes, CHANNEL, next, text } from '../../support/swarm.ts';

const managers: SkytaleChannelManager[] = [];

/** A manager on the network in memory. */
function mocked(identity: string, options: SkytaleChannelManagerOptions = {}): SkytaleChannelManager {
  const manager = new SkytaleChannelManager({ identity, mock: true, ...options });
  managers.push(manager);
  return manager;
}

afterEach(async () => {
  await Promise.all(managers.splice(0).map((manager) => manager.close()));
});

describe('invites', () => {
  it('let an agent in by a token, which is good again for it', async () => {
    const [owner, joiner] = [mocked('owner'), mocked('joiner')];
    await owner.create(CHANNEL);
    const token = await owner.invite(CHANNEL);
    expect(token).toMatch(/^skt_inv_/);
    await joiner.joinWithToken(CHANNEL, token);
    await owner.send(CHANNEL, 'welcome');
    expect(await joiner.receive(CHANNEL)).toEqual(['welcome']);

    // It is in: there is nothing to ask for.
    await joiner.joinWithToken(CHANNEL, token);
    await joiner.close();
    // Its directory is gone with it. The same agent comes back with the same token, in place of what it was.
    const again = mocked('joiner');
    await again.joinWithToken(CHANNEL, token);
    await again.send(CHANNEL, 'back');
    expect(await owner.receive(CHANNEL)).toEqual(['back']);
    const { members } = (await owner.channel$(CHANNEL)).state$.value;
    expect(members.map(({ identity }) => text(identity)).sort()).toEqual(['joiner', 'owner']);

    await expect(mocked('third').joinWithToken(CHANNEL, token)).rejects.toMatchObject({ code: 'invite_exhausted' });
  });

  it('need a key where there is a network', async () => {
    await using swarm = await ManagedSwarm.create();
    const alice = swarm.manager('alice');
    await alice.manager.create(CHANNEL);
    const required = { name: 'AuthError', code: 'api_key_required' };
    await expect(alice.manager.invite(CHANNEL)).rejects.toMatchObject(required);
    await expect(lastValueFrom(alice.manager.revoke('bob'))).rejects.toMatchObject(required);
  });
});

describe('revoke', () => {
  it('removes an agent from every channel, and ends with a receipt', async () => {
    const [owner, mallory] = [mocked('owner'), mocked('mallory')];
    const other = 'acme/research/other';
    for (const channel of [CHANNEL, other]) {
      await owner.create(channel);
      await mallory.joinWithToken(channel, await owner.invite(channel));
    }
    const steps = await lastValueFrom(owner.revoke('mallory', { reason: 'credential_compromise' }).pipe(toArray()));

    expect(steps.map(({ kind }) => kind).sort()).toEqual(['credentials-void', 'done', 'removed', 'removed']);
    expect(steps.at(-1)).toMatchObject({
      kind: 'done',
      receipt: {
        identity: bytes('mallory'),
        reason: 'credential_compromise',
        removed: [other, CHANNEL].sort(),
        queued: [],
      },
    });
    await expect(mallory.receive(CHANNEL)).rejects.toMatchObject({ code: 'removed_from_group' });
    await expect(mallory.receive(other)).rejects.toMatchObject({ code: 'removed_from_group' });
    await next((await owner.channel$(CHANNEL)).state$, ({ members }) => members.length === 1);
  });

  it('refuses a reason that is none, and the agent itself', async () => {
    const owner = mocked('owner');
    expect(() => owner.revoke('mallory', { reason: 'bored' as never })).toThrow('Expected `reason` to be one of');
    expect(() => owner.revoke('owner')).toThrow('Expected `identity` to be that of another agent');
    const steps$ = owner.revoke('nobody', { waitMs: 0 }).pipe(filter(({ kind }) => kind === 'done'));
    expect(await lastValueFrom(steps$)).toMatchObject({ receipt: { removed: [], queued: [] } });
  });
});

describe('a manager without a control plane', () => {
  it('makes and joins channels by hand', async () => {
    await using swarm = await ManagedSwarm.create();
    const [alice, bob] = [swarm.manager('alice'), swarm.manager('bob')];
    await introduce(alice, bob);
    expect(await bob.manager.channels()).toEqual([CHANNEL]);
  });
});
