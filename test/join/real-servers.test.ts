import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startControlPlane } from '../../src/control/index.ts';
import type { ControlPlane as ControlPlaneServer, RelayOperations } from '../../src/control/index.ts';
import { localRelay } from '../../src/control/index.ts';
import { connectControlPlane, SkytaleClient } from '../../src/index.ts';
import { type Relay, startRelay } from '../../src/relay/index.ts';
import { bytes, Recorder, Swarm, textOf } from '../support/swarm.ts';
import { controlPlaneContract } from '../transport/control-plane-contract.ts';
import { membersOf, until, Watch } from './village.ts';

const SECRET = 'a secret of at least thirty-two bytes';

/** An account, made as anybody makes one. */
async function newAccount(endpoint: string, name: string): Promise<string> {
  const response = await fetch(`${endpoint}/v1/accounts`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ email: `${name}@example.org` }),
  });
  const { api_key: apiKey } = (await response.json()) as { api_key?: string };
  if (apiKey === undefined) throw new Error(`no account: HTTP ${response.status}`);
  return apiKey;
}

describe('a control plane over HTTP', () => {
  controlPlaneContract(async () => {
    const announced: string[] = [];
    const relay: RelayOperations = {
      announce(channel, topic) {
        announced.push(`${channel} ${topic}`);
        return Promise.resolve();
      },
      usage: () => Promise.resolve({ messages: 0 }),
      expel: () => Promise.resolve(true),
      withdrawKeys: () => Promise.resolve(),
    };
    const jwtSecrets = [{ secret: SECRET }];
    const server = await startControlPlane({
      port: 0,
      database: { kind: 'sqlite', path: ':memory:' },
      jwtSecrets,
      relay,
    });
    const keys = new Map<string, string>();
    return {
      async account(name) {
        const apiKey = keys.get(name) ?? (await newAccount(server.endpoint, name));
        keys.set(name, apiKey);
        return connectControlPlane({ apiKey, apiUrl: server.endpoint });
      },
      announced,
      close: () => server.close(),
    };
  });
});

describe('over HTTP and gRPC, on accounts of their own', () => {
  let swarm: Swarm;
  let relay: Relay;
  let server: ControlPlaneServer;
  const clients: SkytaleClient[] = [];
  let channels = 0;

  beforeAll(async () => {
    swarm = await Swarm.create();
    const auth = { secrets: [{ secret: SECRET }] };
    relay = await startRelay({ dataDir: swarm.dataDir('relay'), port: 0, auth });
    server = await startControlPlane({
      port: 0,
      database: { kind: 'sqlite', path: join(swarm.dataDir('control'), 'control.db') },
      jwtSecrets: [{ secret: SECRET }],
      relay: localRelay(relay),
      limits: { accountsPerHour: 1000 },
    });
  });
  afterAll(async () => {
    await Promise.all(clients.map((client) => client.close()));
    await server.close();
    await relay.close();
    await swarm[Symbol.asyncDispose]();
  });

  const newChannel = (): string => `acme/real/channel-${++channels}`;

  /** An agent on an account of its own; of the same name, on the same account. */
  const keys = new Map<string, string>();
  async function agent(name: string, dataDir = name): Promise<SkytaleClient> {
    const apiKey = keys.get(name) ?? (await newAccount(server.endpoint, name));
    keys.set(name, apiKey);
    const options = { apiKey, apiUrl: server.endpoint };
    const client = new SkytaleClient(relay.endpoint, swarm.dataDir(dataDir), bytes(name), options);
    clients.push(client);
    return client;
  }

  it('joins by a token, is heard and hears, and comes back after it has lost everything', async () => {
    const name = newChannel();
    const alice = await (await agent('alice')).createChannel(name);
    const { token } = await alice.invite();
    const bob = await agent('bob');
    const atBob = await bob.joinWithToken(name, token);
    const [heardByBob, heardByAlice] = [new Recorder(atBob.channel$), new Recorder(alice.channel$)];
    await alice.send(bytes('welcome'));
    await atBob.send(bytes('thank you'));
    expect((await heardByBob.until(1)).map(textOf)).toEqual(['welcome']);
    expect((await heardByAlice.until(1)).map(textOf)).toEqual(['thank you']);
    await bob.close();

    const changes = new Recorder(alice.channel$.epochChanges$);
    const again = await (await agent('bob', 'bob anew')).joinWithToken(name, token);
    await changes.until(1);
    expect(changes.values).toHaveLength(1);
    const heardAgain = new Recorder(again.channel$);
    await alice.send(bytes('welcome back'));
    expect((await heardAgain.until(1)).map(textOf)).toEqual(['welcome back']);
    expect(membersOf(alice)).toEqual(['alice', 'bob']);
  });

  it('waits for a member, and is admitted when one comes back', async () => {
    const name = newChannel();
    const carol = await agent('carol');
    const { token } = await (await carol.createChannel(name)).invite();
    await carol.close();
    const watch = new Watch((await agent('dave')).join(name, token));
    await watch.reaches('waiting-for-member');
    const back = await (await agent('carol')).openChannel(name);
    back.channel$.connect();
    await watch.end;
    expect(watch.kinds).toEqual(['requested', 'waiting-for-member', 'admitted', 'joined']);
  });

  it('is denied by a person, with the reason', async () => {
    const name = newChannel();
    const erin = await (await agent('erin')).createChannel(name);
    const { token } = await erin.invite({ approval: 'manual' });
    const watch = new Watch((await agent('frank')).join(name, token));
    const request = await until(erin.channel$.joinRequests$, () => true);
    await request.deny('not today');
    expect(await watch.end).toMatchObject({ code: 'join_denied' });
    expect(await watch.complaint()).toContain('not today');
  });

  it.each(['invite_revoked', 'invite_exhausted', 'invite_wrong_channel', 'channel_exists'] as const)(
    'is refused as %s',
    async (code) => {
      const name = newChannel();
      const grace = await (await agent(`grace ${code}`.replaceAll(' ', '-'))).createChannel(name);
      const invite = await grace.invite();
      const heidi = await agent(`heidi-${code}`);
      if (code === 'invite_revoked') await invite.revoke();
      if (code === 'invite_exhausted') await (await agent(`ivan-${code}`)).joinWithToken(name, invite.token);
      const attempt =
        code === 'channel_exists'
          ? heidi.createChannel(name)
          : heidi.joinWithToken(code === 'invite_wrong_channel' ? newChannel() : name, invite.token);
      await expect(attempt).rejects.toMatchObject({ code });
    },
  );
});
