import type { ChannelName } from '../../base/channel-name.ts';
import { equalBytes } from '../../base/bytes.ts';
import { type Clock, systemClock } from '../../base/clock.ts';
import { ChannelError, TransportError } from '../../base/errors.ts';
import { type Random, systemRandom } from '../../base/random.ts';
import type { MemoryRelay } from '../memory/memory-relay.ts';
import type { ChannelInfo, ControlPlane, WaitOptions } from './control-plane.ts';
import { MemoryJoins } from './memory-joins.ts';
import { MemoryRevocations } from './memory-revocations.ts';

/** Options of {@link createMemoryControlPlane}. */
export interface MemoryControlPlaneOptions {
  /** Whose members are told that there is something for them. Default nobody: they ask now and then. */
  readonly relay?: Pick<MemoryRelay, 'announce'>;
  readonly clock?: Clock;
  readonly random?: Random;
}

/** A control plane in this process, for tests and simulations. */
export interface MemoryControlPlane {
  /** What an account sees of it. Accounts need not be made first. */
  connect(account: string): ControlPlane;
  /** Nobody reaches it any more: calls fail, and so do those that wait. */
  interrupt(): void;
  restore(): void;
  /** Lets no timer go on. */
  close(): void;
}

interface Channel {
  readonly id: string;
  readonly name: ChannelName;
  readonly createdAtMs: number;
  readonly accounts: Set<string>;
  readonly identities: { readonly account: string; readonly identity: Uint8Array }[];
}

/**
 * A control plane without a network, by the same rules for channels, invites, requests to join and removals. It has no API
 * keys, counts nothing, and its tokens say no more than the account.
 *
 * @example
 * const relay = createMemoryRelay();
 * const controlPlane = createMemoryControlPlane({ relay });
 * await controlPlane.connect('acme').createChannel(parseChannelName('acme/research/summarizer'));
 */
export function createMemoryControlPlane(options: MemoryControlPlaneOptions = {}): MemoryControlPlane {
  const { relay, clock = systemClock, random = systemRandom } = options;
  const channels = new Map<ChannelName, Channel>();
  /** Calls that wait for a change. */
  const waiting = new Set<() => void>();
  let isOnline = true;

  const changed = (): void => {
    for (const wake of [...waiting]) wake();
  };
  const createId = (): string => Buffer.from(random.bytes(16)).toString('hex');
  const joins = new MemoryJoins({
    clock,
    createId,
    changed,
    announce: (channel) => relay?.announce(channel, 'join-requests'),
    admit(channel, account, identity) {
      const known = channels.get(channel);
      known?.accounts.add(account);
      known?.identities.push({ account, identity });
    },
  });
  const revocations = new MemoryRevocations();

  /** What `read` gives, as soon as it is different from what the caller knows, or when the time is up. */
  async function wait<T, Seen>(read: () => T, seenOf: (value: T) => Seen, options: WaitOptions<Seen>): Promise<T> {
    const { waitSeconds = 0, since, signal } = options;
    const endsAtMs = clock.now() + waitSeconds * 1000;
    for (;;) {
      checkOnline();
      signal?.throwIfAborted();
      const value = read();
      const leftMs = endsAtMs - clock.now();
      if (since === undefined || seenOf(value) !== since || leftMs <= 0) return value;
      await new Promise<void>((resolve) => {
        const wake = (): void => {
          cancel();
          waiting.delete(wake);
          signal?.removeEventListener('abort', wake);
          resolve();
        };
        const cancel = clock.schedule(leftMs, wake);
        waiting.add(wake);
        signal?.addEventListener('abort', wake, { once: true });
      });
    }
  }

  function checkOnline(): void {
    if (!isOnline) throw new TransportError('connection_error', 'the control plane cannot be reached');
  }

  function inChannel(account: string, name: ChannelName | undefined): Channel {
    const channel = name === undefined ? undefined : channels.get(name);
    if (channel?.accounts.has(account) === true) return channel;
    throw new ChannelError('not_found', 'no such channel');
  }

  /** As over a network: later, and not at all once the caller has given up. */
  async function called<T>(signal: AbortSignal | undefined, act: () => T): Promise<T> {
    await Promise.resolve();
    signal?.throwIfAborted();
    checkOnline();
    return act();
  }

  const connect = (account: string): ControlPlane => ({
    createChannel: (name, identity, signal) =>
      called(signal, () => {
        const createdAtMs = clock.now();
        const channel = channels.get(name) ?? {
          id: createId(),
          name,
          createdAtMs,
          accounts: new Set([account]),
          identities: [],
        };
        if (!channel.accounts.has(account))
          throw new ChannelError('channel_exists', 'another account has this channel');
        channels.set(name, channel);
        if (identity !== undefined) channel.identities.push({ account, identity });
        return toInfo(channel);
      }),
    createInvite: (invite, signal) =>
      called(signal, () => {
        inChannel(account, invite.channel);
        return joins.invite(invite);
      }),
    listInvites: (channel, signal) => called(signal, () => joins.invites(inChannel(account, channel).name)),
    revokeInvite: (id, signal) =>
      called(signal, () => {
        inChannel(account, joins.channelOf(id));
        joins.revoke(id);
      }),
    requestJoin: (request, signal) => called(signal, () => joins.request(account, request)),
    joinStatus: (requestId, options = {}) =>
      wait(
        () => joins.progress(account, requestId),
        ({ status }) => status,
        options,
      ),
    cancelJoin: (requestId, signal) => called(signal, () => joins.cancel(account, requestId)),
    pending: (channel, signal) => called(signal, () => joins.pending(inChannel(account, channel).name)),
    claim: (channel, options = {}, signal) =>
      called(signal, () => joins.claim(inChannel(account, channel).name, options)),
    admit: (requestId, _admission, signal) =>
      called(signal, () => {
        inChannel(account, joins.channelOfRequest(requestId));
        joins.decide(requestId, 'admitted');
      }),
    deny: (requestId, reason, signal) =>
      called(signal, () => {
        inChannel(account, joins.channelOfRequest(requestId));
        joins.decide(requestId, 'denied', reason);
      }),
    release: (requestId, signal) =>
      called(signal, () => {
        inChannel(account, joins.channelOfRequest(requestId));
        joins.decide(requestId, 'waiting');
      }),
    revoke: (revocation, signal) =>
      called(signal, () => {
        const { identity } = revocation;
        joins.void(identity);
        const names = [...channels.values()]
          .filter(({ identities }) => {
            return identities.some((known) => known.account === account && equalBytes(known.identity, identity));
          })
          .map(({ name }) => name);
        const info = revocations.revoke(account, revocation, names, clock.now(), createId);
        for (const name of names) relay?.announce(name, 'removals');
        return info;
      }),
    revocation: (id, options = {}) =>
      wait(
        () => revocations.info(account, id),
        (info) => info.channels.filter(({ status }) => status === 'removed').length,
        options,
      ),
    removals: (channel, signal) => called(signal, () => revocations.removals(inChannel(account, channel).name)),
    removalDone: (id, signal) =>
      called(signal, () => {
        inChannel(account, revocations.channelOf(id));
        revocations.done(id);
        changed();
      }),
    usage: (signal) =>
      called(signal, () => ({
        accountId: account,
        period: `${new Date(clock.now()).toISOString().slice(0, 7)}-01`,
        tokenExchanges: 0,
        messagesRelayed: 0,
        plan: 'free',
        messagesPerMonth: undefined,
      })),
    token: (_identity, signal) => called(signal, () => `memory.${account}`),
  });

  return {
    connect,
    interrupt() {
      isOnline = false;
      changed();
    },
    restore() {
      isOnline = true;
    },
    close: () => joins.close(),
  };
}

function toInfo({ id, name, accounts, createdAtMs }: Channel): ChannelInfo {
  return { id, name, memberCount: accounts.size, createdAtMs };
}
