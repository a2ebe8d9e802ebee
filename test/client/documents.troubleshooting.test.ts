import { afterEach, describe, expect, it, vi } from 'vitest';
import { systemClock } from '../../src/base/clock.ts';
import {
  type Clock,
  SkytaleChannelManager,
  type SkytaleChannelManagerOptions,
  TransportError,
} from '../../src/index.ts';
import { resolveManagerSettings } from '../../src/client/manager/manager-options.ts';
import { startTestRelay } from '../relay/support/relay.ts';
import { introduce, ManagedSwarm } from '../support/managers.ts';
import { CHANNEL, reaches, text } from '../support/swarm.ts';

// The troubleshooting guide, symptom by symptom, in the order of the document. Each error that it names is caused in
// documents.errors.test.ts. Not here:
// - "polls the API for pending join requests": requests are pushed to members that are online (test/join).
// - UDP port 4433 (QUIC): gRPC on TCP is the only transport.
// - `systemctl status skytale-relay`: the unit is tested in test/relay/deploy.process.test.ts.
// - `GET /v1/usage`, `skytale signup`, `usage`, `billing upgrade`: test/control and test/cli.
// - "mount data_dir as a volume", "do not share it": refused by a lock, test/mls/store/directory-lock.process.test.ts.

const open: SkytaleChannelManager[] = [];

/** A manager on the network in memory that its process shares. */
function mocked(identity: string, options: SkytaleChannelManagerOptions = {}): SkytaleChannelManager {
  const manager = new SkytaleChannelManager({ identity, mock: true, ...options });
  open.push(manager);
  return manager;
}

afterEach(async () => {
  vi.unstubAllEnvs();
  await Promise.all(open.splice(0).map((manager) => manager.close()));
});

describe('join_with_token() timeout', () => {
  it('the program of the guide works: the owner runs, the joiner joins with two minutes of patience', async () => {
    const owner = mocked('owner');
    await owner.create('org/ns/chan');
    const token = await owner.invite('org/ns/chan');
    const joiner = mocked('joiner');
    await joiner.joinWithToken('org/ns/chan', token, { timeoutMs: 120_000 });
    await joiner.send('org/ns/chan', 'I am in');
    expect(await owner.receive('org/ns/chan')).toEqual(['I am in']);
  });

  it('does not need the owner: any member that is online admits', async () => {
    const [owner, member, joiner] = [mocked('owner'), mocked('member'), mocked('joiner')];
    await owner.create(CHANNEL);
    await member.joinWithToken(CHANNEL, await owner.invite(CHANNEL));
    const token = await owner.invite(CHANNEL);
    await owner.close();
    await joiner.joinWithToken(CHANNEL, token);
    await joiner.send(CHANNEL, 'without the owner');
    expect(await member.receive(CHANNEL)).toEqual(['without the owner']);
  });

  it('raises TransportError join_timeout when nobody is there, and says so', async () => {
    const [owner, joiner] = [mocked('owner'), mocked('joiner')];
    await owner.create(CHANNEL);
    const token = await owner.invite(CHANNEL);
    await owner.close();
    const error: unknown = await joiner
      .joinWithToken(CHANNEL, token, { timeoutMs: 200 })
      .catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(TransportError);
    expect(error).toMatchObject({
      code: 'join_timeout',
      message: expect.stringContaining('no member was online') as string,
    });
  });

  it('waits for 60 seconds unless told otherwise', async () => {
    const waits: number[] = [];
    const clock: Clock = {
      now: () => systemClock.now(),
      schedule(delayMs, task) {
        waits.push(delayMs);
        return systemClock.schedule(delayMs, task);
      },
    };
    const [owner, joiner] = [mocked('owner'), mocked('joiner', { clock })];
    await owner.create(CHANNEL);
    await joiner.joinWithToken(CHANNEL, await owner.invite(CHANNEL));
    expect(waits).toContain(60_000);
    await joiner.joinWithToken('org/ns/chan', 'no token', { timeoutMs: 1_234 }).catch(() => undefined);
    expect(waits).toContain(1_234);
  });
});

describe('AuthError', () => {
  it('a key of SKYTALE_API_KEY is checked at the door: it starts with sk_live_ or sk_test_', () => {
    vi.stubEnv('SKYTALE_API_KEY', 'not a key');
    const make = (): SkytaleChannelManager => new SkytaleChannelManager({ identity: 'a', dataDir: '/nowhere' });
    expect(make).toThrow(expect.objectContaining({ name: 'AuthError', code: 'auth_key_invalid' }) as Error);
  });

  it('a key that is not set is told when it is needed', async () => {
    await using swarm = await ManagedSwarm.create();
    const { manager } = swarm.manager('alice');
    await manager.create(CHANNEL);
    await expect(manager.invite(CHANNEL)).rejects.toMatchObject({ name: 'AuthError', code: 'api_key_required' });
  });
});

describe('TransportError', () => {
  it('GET /health of the relay answers {"status":"ok"} on the port of gRPC', async () => {
    const relay = await startTestRelay();
    const response = await fetch(`${relay.endpoint}/health`);
    expect(await response.json()).toEqual({ status: 'ok' });
  });
});

describe('ChannelError', () => {
  it.each(['acme/research/summarizer', 'myorg/team/general', 'company-x/dev/notifications'])(
    'takes %s',
    async (name) => {
      const manager = mocked('alice');
      await manager.create(name);
      expect(await manager.channels()).toEqual([name]);
    },
  );

  it.each(['just-a-name', 'org/ns', 'org/ns/svc/extra'])('refuses %s', async (name) => {
    await expect(mocked('alice').create(name)).rejects.toMatchObject({ name: 'ChannelError', code: 'channel_error' });
  });
});

describe('MlsError', () => {
  it('a data_dir that is shared is refused before it can be corrupted', async () => {
    await using swarm = await ManagedSwarm.create();
    await swarm.manager('alice').manager.ready;
    const other = swarm.manager('bob', { dataDir: swarm.dataDir('alice') }).manager;
    await expect(other.ready).rejects.toMatchObject({ code: 'data_dir_in_use' });
  });

  it('a data_dir that is lost is cured by the same token, without leaving first', async () => {
    const [owner, agent] = [mocked('owner'), mocked('agent')];
    await owner.create(CHANNEL);
    const token = await owner.invite(CHANNEL);
    await agent.joinWithToken(CHANNEL, token);
    await agent.close();
    const again = mocked('agent');
    await again.joinWithToken(CHANNEL, token);
    await owner.send(CHANNEL, 'can you read this?');
    expect(await again.receive(CHANNEL)).toEqual(['can you read this?']);
    const { members } = (await owner.channel$(CHANNEL)).state$.value;
    expect(members.map(({ identity }) => text(identity)).sort()).toEqual(['agent', 'owner']);
  });

  it('the default directory is persistent and unique, not a temporary one', () => {
    const of = (identity: string): string | undefined => resolveManagerSettings({ identity }, {}).dataDir;
    expect(of('a')).toMatch(/\/\.skytale\/61$/);
    expect(of('b')).not.toBe(of('a'));
  });
});

describe('Listener thread died', () => {
  it('cannot happen: receive goes on after a network that was lost and a relay that was restarted', async () => {
    await using swarm = await ManagedSwarm.create();
    const [alice, bob] = [swarm.manager('alice'), swarm.manager('bob')];
    await introduce(alice, bob);
    const bobs$ = await bob.manager.channel$(CHANNEL);
    for (const line of ['one', 'two']) {
      await reaches(bobs$, 'live');
      swarm.relay.interrupt();
      await reaches(bobs$, 'offline');
      swarm.relay.restore();
      await alice.manager.send(CHANNEL, line);
      expect(await bob.manager.receive(CHANNEL, { timeoutMs: 15_000 })).toEqual([line]);
    }
  });

  it('the reconnection loop of the guide works as it stands, with the same token', async () => {
    const owner = mocked('owner');
    await owner.create('org/ns/chan');
    const token = await owner.invite('org/ns/chan');
    let mgr = mocked('my-agent');
    await mgr.joinWithToken('org/ns/chan', token);

    const processed: string[] = [];
    await owner.send('org/ns/chan', 'before');
    while (processed.length < 2) {
      try {
        const msgs = await mgr.receive('org/ns/chan', { timeoutMs: 5_000 });
        for (const msg of msgs) {
          processed.push(msg);
          // What a listener that dies does to the program, at the worst moment.
          if (msg === 'before') throw new TransportError('listener_died', 'the listener has died');
        }
      } catch (error) {
        if (!(error instanceof TransportError) || error.code !== 'listener_died') throw error;
        await mgr.close();
        mgr = mocked('my-agent');
        await mgr.joinWithToken('org/ns/chan', token);
        await owner.send('org/ns/chan', 'after');
      }
    }
    expect(processed).toEqual(['before', 'after']);
  });
});
