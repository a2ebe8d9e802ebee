import { getEventListeners } from 'node:events';
import { describe, expect, it } from 'vitest';
import { type ControlPlane, type JoinRequest, SkytaleChannelManager } from '../../src/index.ts';
import { parseChannelName } from '../../src/base/channel-name.ts';
import { membersOf, until, Village } from '../join/village.ts';
import { bytes, CHANNEL } from '../support/swarm.ts';

const REASON = new Error('the caller has changed its mind');
const NAME = parseChannelName(CHANNEL);
const PLENTY_MS = 600_000;

/** A control plane that leaves questions unanswered while it is silent, and gives them up as their signals say. */
class MutePlane {
  /** What it was asked while it was silent, in order. */
  readonly asked: string[] = [];
  readonly port: ControlPlane;
  #speak: (() => void) | undefined;
  #spoken: Promise<void> = Promise.resolve();

  constructor(inner: ControlPlane) {
    this.port = new Proxy(inner, {
      get: (target, name: keyof ControlPlane) => {
        const answer = target[name].bind(target) as (...args: readonly unknown[]) => Promise<unknown>;
        return async (...args: readonly unknown[]) => {
          if (this.#speak !== undefined) {
            this.asked.push(name);
            await this.#answered(args.find((each) => each instanceof AbortSignal));
          }
          return answer(...args);
        };
      },
    });
  }

  silence(): void {
    this.#spoken = new Promise((resolve) => (this.#speak = resolve));
  }

  speak(): void {
    this.#speak?.();
    this.#speak = undefined;
  }

  #answered(signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      const abort = (): void => reject(signal?.reason as Error);
      signal?.addEventListener('abort', abort, { once: true });
      void this.#spoken.then(() => {
        signal?.removeEventListener('abort', abort);
        resolve();
      });
    });
  }
}

/** A call that asks the control plane, and how to tell that it was done. */
interface Scene extends AsyncDisposable {
  /** Asked by the call, first of all. */
  readonly asks: keyof ControlPlane;
  readonly plane: MutePlane;
  readonly call: (signal: AbortSignal) => Promise<unknown>;
  /** Whether it has had its effect. */
  readonly isDone: () => boolean | Promise<boolean>;
}

/** A village in which alice, or her manager, asks a control plane that can be silenced. */
async function place(): Promise<{ readonly village: Village; readonly plane: MutePlane }> {
  const village = await Village.create();
  return { village, plane: new MutePlane(village.account('alice')) };
}

function managerOf({
  village,
  plane,
}: {
  readonly village: Village;
  readonly plane: MutePlane;
}): SkytaleChannelManager {
  return new SkytaleChannelManager({
    identity: 'alice',
    dataDir: village.swarm.dataDir('alice'),
    transport: village.relay.connect('of alice'),
    controlPlane: plane.port,
    clock: village.clock,
  });
}

function leaving(village: Village, manager?: SkytaleChannelManager): () => Promise<void> {
  return async () => {
    await manager?.close();
    await village[Symbol.asyncDispose]();
  };
}

/** Somebody waits for alice to decide, and she does as `decide` says. */
async function request(
  asks: keyof ControlPlane,
  decide: (request: JoinRequest, signal: AbortSignal) => Promise<void>,
  isDone: (members: readonly string[], waiting: number) => boolean,
): Promise<Scene> {
  const { village, plane } = await place();
  const alice = await village.founded('alice', { controlPlane: plane.port });
  const { token } = await alice.invite({ approval: 'manual' });
  village
    .agent('bob')
    .join(CHANNEL, token)
    .subscribe({ error: () => undefined });
  const waiting = await until(alice.channel$.joinRequests$, () => true);
  return {
    asks,
    plane,
    call: (signal) => decide(waiting, signal),
    isDone: async () => isDone(membersOf(alice), (await village.account('alice').pending(NAME)).length),
    [Symbol.asyncDispose]: leaving(village),
  };
}

const scenes: Record<string, () => Promise<Scene>> = {
  'JoinRequest.approve': () =>
    request(
      'claim',
      (waiting, signal) => waiting.approve({ signal }),
      (members) => members.includes('bob'),
    ),

  'JoinRequest.deny': () =>
    request(
      'deny',
      (waiting, signal) => waiting.deny('we are full', { signal }),
      (members, waiting) => waiting === 0 && !members.includes('bob'),
    ),

  async 'Invite.revoke'() {
    const { village, plane } = await place();
    const alice = await village.founded('alice', { controlPlane: plane.port });
    const invite = await alice.invite();
    const isRevoked = (): Promise<boolean> =>
      village.joined('bob', invite.token).then(
        () => false,
        (error: unknown) => (error as { readonly code?: string }).code === 'invite_revoked',
      );
    return {
      asks: 'revokeInvite',
      plane,
      call: (signal) => invite.revoke({ signal }),
      isDone: isRevoked,
      [Symbol.asyncDispose]: leaving(village),
    };
  },

  async 'SkytaleChannelManager.create'() {
    const { village, plane } = await place();
    const manager = managerOf({ village, plane });
    await manager.ready;
    return {
      asks: 'createChannel',
      plane,
      call: (signal) => manager.create(CHANNEL, { signal }),
      isDone: async () => (await manager.channels()).includes(CHANNEL),
      [Symbol.asyncDispose]: leaving(village, manager),
    };
  },

  async 'SkytaleChannelManager.invite'() {
    const { village, plane } = await place();
    const manager = managerOf({ village, plane });
    await manager.create(CHANNEL);
    return {
      asks: 'createChannel',
      plane,
      call: (signal) => manager.invite(CHANNEL, { signal }),
      isDone: async () => (await village.account('alice').listInvites(NAME)).length === 1,
      [Symbol.asyncDispose]: leaving(village, manager),
    };
  },

  async 'SkytaleChannelManager.joinWithToken'() {
    const { village, plane } = await place();
    const host = await village.founded('host');
    const { token } = await host.invite();
    const manager = managerOf({ village, plane });
    await manager.ready;
    return {
      asks: 'requestJoin',
      plane,
      call: (signal) => manager.joinWithToken(CHANNEL, token, { signal, timeoutMs: PLENTY_MS }),
      isDone: () => membersOf(host).includes('alice'),
      [Symbol.asyncDispose]: leaving(village, manager),
    };
  },
};

describe.each(Object.entries(scenes))('%s', (_, arrange) => {
  it('begins nothing with a signal that is aborted already', async () => {
    await using scene = await arrange();
    const { plane, call, asks, isDone } = scene;
    plane.silence();

    await expect(call(AbortSignal.abort(REASON))).rejects.toBe(REASON);
    expect(plane.asked).not.toContain(asks);
    plane.speak();
    expect(await isDone()).toBe(false);
  });

  it('gives up waiting with the reason of its signal, on which nothing is left', async () => {
    await using scene = await arrange();
    const { plane, call, asks } = scene;
    const stop = new AbortController();
    plane.silence();
    const waiting = expect(call(stop.signal)).rejects.toBe(REASON);
    await expect.poll(() => plane.asked).toContain(asks);
    stop.abort(REASON);

    await waiting;
    expect(getEventListeners(stop.signal, 'abort')).toEqual([]);
    plane.speak();
  });

  it('does its work under a signal that stays quiet, on which nothing is left', async () => {
    await using scene = await arrange();
    const stop = new AbortController();
    await scene.call(stop.signal);

    expect(await scene.isDone()).toBe(true);
    expect(getEventListeners(stop.signal, 'abort')).toEqual([]);
  });
});

describe('SkytaleChannelManager.join', () => {
  it('gives up with the reason of its signal while the relay is away, and the Welcome is good for another try', async () => {
    await using village = await Village.create();
    const host = await village.founded('host');
    await using manager = managerOf({ village, plane: new MutePlane(village.account('alice')) });
    const welcome = await host.addMember(await manager.keyPackage());
    await expect(manager.join(CHANNEL, welcome, { signal: AbortSignal.abort(REASON) })).rejects.toBe(REASON);
    village.relay.interrupt();
    const stop = new AbortController();
    const waiting = expect(manager.join(CHANNEL, welcome, { signal: stop.signal })).rejects.toBe(REASON);
    await new Promise(setImmediate);
    stop.abort(REASON);
    await waiting;
    expect(getEventListeners(stop.signal, 'abort')).toEqual([]);

    village.relay.restore();
    const quiet = new AbortController();
    await manager.join(CHANNEL, welcome, { signal: quiet.signal });
    expect(getEventListeners(quiet.signal, 'abort')).toEqual([]);
    await host.send(bytes('welcome'));
    expect(await manager.receive(CHANNEL)).toEqual(['welcome']);
  });
});
