import { lastValueFrom, type Observable, toArray } from 'rxjs';
import { describe, expect, it } from 'vitest';
import {
  type ClientChannel,
  type ControlPlane,
  createMemoryControlPlane,
  createMemoryRelay,
  parseChannelName,
  type RevocationStep,
  type SkytaleClient,
  type SkytaleClientOptions,
} from '../../src/index.ts';
import { bytes, CHANNEL, invite, isFault, next, reaches, Recorder, Swarm, text } from '../support/swarm.ts';

/** Agents on one account of a control plane in memory. */
async function town(): Promise<
  AsyncDisposable & {
    readonly swarm: Swarm;
    readonly controlPlane: ControlPlane;
    readonly agent: (name: string, options?: SkytaleClientOptions) => SkytaleClient;
  }
> {
  const relay = createMemoryRelay();
  const swarm = await Swarm.create(relay);
  const controlPlane = createMemoryControlPlane({ relay }).connect('acme');
  const agent = (name: string, options: SkytaleClientOptions = {}): SkytaleClient =>
    swarm.agent(name, { controlPlane, ...options });
  return { swarm, controlPlane, agent, [Symbol.asyncDispose]: () => swarm[Symbol.asyncDispose]() };
}

const stepsOf = (steps$: Observable<RevocationStep>): Promise<RevocationStep[]> =>
  lastValueFrom(steps$.pipe(toArray()));
const namesIn = ({ channel$ }: ClientChannel): string[] =>
  channel$.state$.value.members.map(({ identity }) => text(identity)).sort();
const withoutMallory = ({ channel$ }: ClientChannel): Promise<unknown> =>
  next(channel$.state$, ({ members }) => members.every(({ identity }) => text(identity) !== 'mallory'));

describe('revoking an agent', () => {
  it('removes it at once where the caller is, and cuts it off from what is said then', async () => {
    await using place = await town();
    const { controlPlane, agent } = place;
    const [alices, mallorys] = [agent('alice'), agent('mallory')];
    const alice = await alices.createChannel(CHANNEL);
    const mallory = await invite(alice, mallorys);
    await controlPlane.createChannel(parseChannelName(CHANNEL), bytes('mallory'));
    const heard = new Recorder(mallory.channel$);
    await alice.send(bytes('before'));
    await heard.until(1);

    const steps = await stepsOf(alices.revoke(bytes('mallory'), { reason: 'policy_violation' }));
    await alice.send(bytes('after'));
    await heard.until(() => heard.isComplete);

    expect(steps).toEqual([
      expect.objectContaining({ kind: 'credentials-void', channels: [CHANNEL] }),
      { kind: 'removed', channel: CHANNEL, by: 'caller' },
      {
        kind: 'done',
        receipt: {
          id: expect.any(String) as string,
          identity: bytes('mallory'),
          reason: 'policy_violation',
          keysRevoked: 0,
          keysShared: 0,
          invitesRevoked: 0,
          removed: [CHANNEL],
          queued: [],
        },
      },
    ]);
    expect(heard.values.map(({ payload }) => text(payload))).toEqual(['before']);
    expect(mallory.channel$.status$.value).toBe('removed');
  });

  it('is done by other members that are online where the caller cannot, and told to it', async () => {
    await using place = await town();
    const { swarm, controlPlane, agent } = place;
    // No relay for alice at the moment; bob is there.
    const line = swarm.relay.connect();
    const alices = agent('alice', { transport: line, warn: () => undefined });
    const alice = await alices.createChannel(CHANNEL);
    const bob = await invite(alice, agent('bob'));
    const mallory = await invite(alice, agent('mallory'));
    await controlPlane.createChannel(parseChannelName(CHANNEL), bytes('mallory'));
    for (const { channel$ } of [bob, mallory]) {
      channel$.connect();
      await reaches(channel$, 'live');
    }
    await next(bob.channel$.state$, ({ members }) => members.length === 3);
    await line.close();

    const steps = await stepsOf(alices.revoke(bytes('mallory'), { waitMs: 60_000 }));

    expect(steps.slice(1, -1)).toEqual([{ kind: 'removed', channel: CHANNEL, by: 'member' }]);
    expect(namesIn(bob)).toEqual(['alice', 'bob']);
    expect(await controlPlane.removals(parseChannelName(CHANNEL))).toEqual([]);
  });

  it('waits for the first member that comes online where nobody is', async () => {
    await using place = await town();
    const { swarm, controlPlane, agent } = place;
    const line = swarm.relay.connect();
    const alices = agent('alice', { transport: line, warn: () => undefined });
    const alice = await alices.createChannel(CHANNEL);
    const bobs = agent('bob');
    const bob = await invite(alice, bobs);
    await invite(alice, agent('mallory'));
    await controlPlane.createChannel(parseChannelName(CHANNEL), bytes('mallory'));
    bob.channel$.connect();
    await next(bob.channel$.state$, ({ members }) => members.length === 3);
    await bobs.close();
    await line.close();

    const steps = await stepsOf(alices.revoke(bytes('mallory'), { waitMs: 100 }));
    expect(steps.slice(1)).toMatchObject([
      { kind: 'queued', channels: [CHANNEL] },
      { kind: 'done', receipt: { removed: [], queued: [CHANNEL] } },
    ]);
    const again = await agent('bob').openChannel(CHANNEL);
    again.channel$.connect();
    await withoutMallory(again);
    await expect.poll(() => controlPlane.removals(parseChannelName(CHANNEL))).toEqual([]);
  });

  it('is one commit, however many members hear of it', async () => {
    await using place = await town();
    const { swarm, controlPlane, agent } = place;
    const alices = agent('alice');
    const alice = await alices.createChannel(CHANNEL);
    const others = [];
    for (const name of ['bob', 'carol', 'dave', 'mallory']) others.push(await invite(alice, agent(name)));
    await controlPlane.createChannel(parseChannelName(CHANNEL), bytes('mallory'));
    for (const { channel$ } of others) {
      channel$.connect();
      await next(channel$.state$, ({ members }) => members.length === 5);
      await reaches(channel$, 'live');
    }
    const commits = (): number =>
      swarm.relay.entries(parseChannelName(CHANNEL)).filter(({ kind }) => kind === 'commit').length;
    expect(commits()).toBe(4);
    await stepsOf(alices.revoke(bytes('mallory')));
    for (const member of [alice, ...others.slice(0, -1)]) await withoutMallory(member);
    await expect.poll(() => controlPlane.removals(parseChannelName(CHANNEL))).toEqual([]);

    expect(commits()).toBe(5);
  });

  it('removes the agent here also when the control plane cannot be reached, and says so', async () => {
    const relay = createMemoryRelay();
    await using swarm = await Swarm.create(relay);
    const plane = createMemoryControlPlane({ relay });
    const controlPlane = plane.connect('acme');
    const alices = swarm.agent('alice', { controlPlane });
    const alice = await alices.createChannel(CHANNEL);
    await invite(alice, swarm.agent('mallory'));
    plane.interrupt();

    await expect(stepsOf(alices.revoke(bytes('mallory')))).rejects.toMatchObject({ code: 'connection_error' });
    expect(namesIn(alice)).toEqual(['alice']);
  });
});

describe('a request to remove a member', () => {
  it.each<[string, (mallory: Uint8Array, good: Uint8Array) => { requestedBy: Uint8Array; signature: Uint8Array }]>([
    ['that a stranger makes', (_, signature) => ({ requestedBy: bytes('stranger'), signature })],
    ['that somebody signs in the name of another', (_, signature) => ({ requestedBy: bytes('bob'), signature })],
    ['that is garbage', () => ({ requestedBy: bytes('alice'), signature: bytes('garbage') })],
    ['that is cut short', (_, good) => ({ requestedBy: bytes('alice'), signature: good.slice(0, -1) })],
  ])('%s is not followed, and told of once', async (_, forge) => {
    await using place = await town();
    const { controlPlane, agent } = place;
    let presented: Parameters<ControlPlane['revoke']>[0] | undefined;
    const listening = new Proxy(controlPlane, {
      get: (target, name: keyof ControlPlane) =>
        name === 'revoke'
          ? (revocation: Parameters<ControlPlane['revoke']>[0]) => {
              presented = revocation;
              return Promise.reject(new Error('kept back'));
            }
          : target[name].bind(target),
    });
    const alices = agent('alice', { controlPlane: listening });
    const alice = await alices.createChannel(CHANNEL);
    const bob = await invite(alice, agent('bob'));
    await controlPlane.createChannel(parseChannelName(CHANNEL), bytes('bob'));
    // What alice signs for somebody who is not there.
    await stepsOf(alices.revoke(bytes('carol'))).catch(() => undefined);
    const refused = next(bob.channel$.faults$, isFault('removal-refused'));
    bob.channel$.connect();
    const carol = await invite(alice, agent('carol'));
    carol.channel$.connect();
    await next(bob.channel$.state$, ({ members }) => members.length === 3);

    await controlPlane.createChannel(parseChannelName(CHANNEL), bytes('carol'));
    const forged = forge(bytes('carol'), presented?.signature ?? new Uint8Array());
    await controlPlane.revoke({ identity: bytes('carol'), reason: 'other', ...forged });
    expect(await refused).toMatchObject({ identity: bytes('carol'), error: { code: 'mls_error' } });
    expect(namesIn(bob)).toEqual(['alice', 'bob', 'carol']);
  });

  it('that is old is not followed against an agent that came back with new keys', async () => {
    await using place = await town();
    const { swarm, controlPlane, agent } = place;
    const alices = agent('alice');
    const alice = await alices.createChannel(CHANNEL);
    await invite(alice, agent('carol'));
    await controlPlane.createChannel(parseChannelName(CHANNEL), bytes('carol'));
    const presented: Parameters<ControlPlane['revoke']>[0][] = [];
    const revoke = controlPlane.revoke.bind(controlPlane);
    controlPlane.revoke = (revocation, signal) => {
      presented.push(revocation);
      return revoke(revocation, signal);
    };
    await stepsOf(alices.revoke(bytes('carol')));
    await expect.poll(() => controlPlane.removals(parseChannelName(CHANNEL))).toEqual([]);

    // Forgiven, on a new directory.
    const again = await invite(alice, swarm.agent('carol', { dataDir: 'carol again' }));
    again.channel$.connect();
    const refused = next(alice.channel$.faults$, isFault('removal-refused'));
    await revoke(presented[0]!);
    expect((await refused).error.message).toContain('when the agent had other keys');
    expect(namesIn(alice)).toEqual(['alice', 'carol']);
  });

  it('is not followed by a member that does not accept it', async () => {
    await using place = await town();
    const { swarm, controlPlane, agent } = place;
    const line = swarm.relay.connect();
    const alices = agent('alice', { transport: line, warn: () => undefined });
    const alice = await alices.createChannel(CHANNEL);
    const asked: unknown[] = [];
    const acceptRemoval: SkytaleClientOptions['acceptRemoval'] = (removal) => {
      asked.push({ ...removal, identity: text(removal.identity), requestedBy: text(removal.requestedBy) });
      return false;
    };
    const bob = await invite(alice, agent('bob', { acceptRemoval }));
    await invite(alice, agent('carol'));
    await controlPlane.createChannel(parseChannelName(CHANNEL), bytes('carol'));
    bob.channel$.connect();
    await next(bob.channel$.state$, ({ members }) => members.length === 3);
    await line.close();
    await stepsOf(alices.revoke(bytes('carol'), { reason: 'policy_violation', waitMs: 0 }));

    await expect
      .poll(() => asked)
      .toEqual([{ channel: CHANNEL, identity: 'carol', requestedBy: 'alice', reason: 'policy_violation' }]);
    expect(namesIn(bob)).toEqual(['alice', 'bob', 'carol']);
  });
});
