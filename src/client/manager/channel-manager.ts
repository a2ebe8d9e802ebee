import type { Observable } from 'rxjs';
import type {
  CallOptions,
  Channel,
  ConfirmedReceipt,
  ConfirmedSendOptions,
  SendOptions,
  SendReceipt,
} from '../../actors/channel/index.ts';
import { parseChannelName } from '../../base/channel-name.ts';
import { checkBytes, checkInteger } from '../../base/check.ts';
import { systemClock } from '../../base/clock.ts';
import { ChannelError } from '../../base/errors.ts';
import { abortable, OrderedSubject } from '../../streams/index.ts';
import type { ClientChannel } from '../client-channel.ts';
import { createEnvelope, type EnvelopeInit } from '../envelope/create-envelope.ts';
import { encodeEnvelope } from '../envelope/envelope-encoding.ts';
import { decodeText, encodeText } from '../envelope/text-payload.ts';
import type { InviteOptions } from '../inviter.ts';
import type { JoinWithTokenOptions } from '../join-step.ts';
import type { RevocationStep, RevokeOptions } from '../revocation.ts';
import type { SkytaleClient } from '../skytale-client.ts';
import type { ReceivedEnvelope } from './channel-inbox.ts';
import { ChannelShelf } from './channel-shelf.ts';
import { type ClientHome, openClientHome } from './client-home.ts';
import { describeFault, type ManagerFault } from './manager-fault.ts';
import { checkReceiveBuffer } from './receive-buffer.ts';
import { resolveManagerSettings, type SkytaleChannelManagerOptions } from './manager-options.ts';

/** Options of {@link SkytaleChannelManager.receiveEnvelopes}. */
export interface ReceiveEnvelopesOptions {
  /** How long to wait while nothing is there, in milliseconds. 0 takes what is there. Default 5 000. */
  readonly timeoutMs?: number;
  /** Gives up waiting. */
  readonly signal?: AbortSignal;
}

/** Options of {@link SkytaleChannelManager.receive}. */
export interface ReceiveOptions<As extends 'text' | 'bytes' = 'text' | 'bytes'> extends ReceiveEnvelopesOptions {
  /** Default `text`: payloads as UTF-8, in which what is none shows as U+FFFD. */
  readonly as?: As;
}

/** What {@link SkytaleChannelManager.send} takes: text, which is sent as UTF-8; bytes; or an envelope. */
export type OutgoingMessage = string | Uint8Array | EnvelopeInit;

const RECEIVE_MS = 5_000;

/**
 * All channels of one agent, under their names: make, invite, join, send, receive.
 *
 * Channels of an earlier run are open again by themselves. Listeners survive lost connections and relays that restart. What
 * was not received when the process ended is received in the next run. {@link SkytaleChannelManager.channel$} leads to the reactive side.
 *
 * @example
 * const manager = new SkytaleChannelManager({ identity: 'alice', mock: true });
 * await manager.create('acme/research/summarizer');
 * await manager.send('acme/research/summarizer', 'hello');
 * await manager.close();
 */
export class SkytaleChannelManager implements AsyncDisposable {
  /** Resolves when channels of earlier runs are open; rejects with what every other call rejects with then. */
  readonly ready: Promise<void>;
  /** What there is to tell beside answers, see {@link ManagerFault}. Hot, no replay; completes with `close`; what nobody listens to is warned of. */
  readonly faults$: Observable<ManagerFault>;
  readonly #home: ClientHome;
  readonly #client: SkytaleClient;
  readonly #options: SkytaleChannelManagerOptions;
  readonly #faults = new OrderedSubject<ManagerFault>();
  readonly #shelf: ChannelShelf;
  /** Calls that have not got hold of their channel. */
  readonly #arriving = new Set<Promise<unknown>>();
  #closing: Promise<void> | undefined;

  /**
   * @throws {@link RuntimeError} `invalid_argument`; {@link AuthError} `auth_key_invalid` for a key that is none
   */
  constructor(options: SkytaleChannelManagerOptions = {}) {
    this.#options = options;
    this.faults$ = this.#faults.asObservable();
    const { clock = systemClock, heal: heals = true, listens = true } = options;
    const buffer = checkReceiveBuffer(options.receiveBuffer ?? {});
    this.#home = openClientHome(options, resolveManagerSettings(options, process.env));
    this.#client = this.#home.client;
    this.#shelf = new ChannelShelf(this.#client, { clock, buffer, heals, listens, tell: (fault) => this.#tell(fault) });
    this.ready = this.#shelf.openAll();
    // Who awaits nothing still hears of it: every call rejects with the same error.
    this.ready.catch(() => undefined);
  }

  /**
   * Makes a channel, with this agent as its first member; or goes on with it, if this agent is in it already.
   *
   * @throws {@link ChannelError} `channel_error` for a bad name
   */
  async create(channel: string, options: CallOptions = {}): Promise<void> {
    const name = parseChannelName(channel);
    await this.#open(options.signal);
    if (await this.#shelf.has(name)) await this.#shelf.get(name);
    else await this.#shelf.add(await this.#client.createChannel(name, options));
  }

  /**
   * An invite to a channel, as a token `skt_inv_…`; see {@link ClientChannel.invite} for more of it. Whoever has it can ask to
   * join, and is admitted by any member that is online.
   *
   * @throws {@link AuthError} `api_key_required`; {@link ChannelError} `not_found`; {@link TransportError} if the control plane cannot be
   * reached
   */
  async invite(channel: string, options?: InviteOptions): Promise<string> {
    const { token } = await this.#on(channel, (found) => found.invite(options), options);
    return token;
  }

  /**
   * Joins a channel with an invite's token; goes on with the channel, if this agent is in it already. The token is good again
   * for the identity that has used it.
   *
   * @throws {@link TransportError} `join_timeout` after `timeoutMs` (default 60 000), saying whether a member was online; and what
   * {@link SkytaleClient.joinWithToken} rejects with
   */
  async joinWithToken(channel: string, token: string, options?: JoinWithTokenOptions): Promise<void> {
    const name = parseChannelName(channel);
    await this.#open(options?.signal);
    if (await this.#shelf.isUsable(name)) return;
    await this.#shelf.add(await this.#client.joinWithToken(name, token, options));
  }

  /**
   * Sends to all other members. Resolves when the relay has stored the message, see {@link Channel.send}; messages are stored
   * in the order of the calls, awaited or not.
   *
   * @throws {@link PayloadError} `invalid_payload` for an envelope that is malformed; {@link ChannelError} `not_found`; and
   * what {@link Channel.send} throws
   */
  send(channel: string, message: OutgoingMessage, options?: SendOptions): Promise<SendReceipt>;
  send(channel: string, message: OutgoingMessage, options: ConfirmedSendOptions): Promise<ConfirmedReceipt>;
  async send(
    channel: string,
    message: OutgoingMessage,
    options?: SendOptions | ConfirmedSendOptions,
  ): Promise<SendReceipt> {
    const payload = this.#encode(message);
    // The two forms are one to whoever passes them on.
    return this.#on(channel, (found) => found.send(payload, options as SendOptions), options);
  }

  /**
   * Payloads of the messages that have come since the last call, as soon as there is one; an empty list after `timeoutMs`.
   *
   * Works through lost connections. What a call returns is acknowledged by the next one, or by `close`: after a crash it comes
   * again.
   *
   * @throws {@link TransportError} `listener_died` if the connection was lost and `heal` is false; why the channel has ended,
   * if it has, such as {@link MlsError} `removed_from_group`; {@link ChannelError} `not_found`, or `bad_request` if the channel
   * is being consumed in another way
   */
  receive(channel: string, options: ReceiveOptions<'bytes'> & { readonly as: 'bytes' }): Promise<Uint8Array[]>;
  receive(channel: string, options?: ReceiveOptions<'text'>): Promise<string[]>;
  async receive(channel: string, options: ReceiveOptions = {}): Promise<(string | Uint8Array)[]> {
    const envelopes = await this.receiveEnvelopes(channel, options);
    return envelopes.map(({ payload }) => (options.as === 'bytes' ? payload : decodeText(payload)));
  }

  /** As {@link SkytaleChannelManager.receive}, with everything that is known of each message. */
  async receiveEnvelopes(channel: string, options: ReceiveEnvelopesOptions = {}): Promise<ReceivedEnvelope[]> {
    const { signal } = options;
    const timeoutMs = checkInteger('timeoutMs', options.timeoutMs ?? RECEIVE_MS, 0);
    const name = parseChannelName(channel);
    signal?.throwIfAborted();
    const { inbox } = await abortable(
      this.#reach(() => this.#shelf.get(name)),
      signal,
    );
    return [...(await inbox.receive({ timeoutMs, signal }))];
  }

  /** Names of the channels that this agent is in, in alphabetical order. */
  async channels(): Promise<string[]> {
    await this.#open();
    return this.#shelf.names();
  }

  /**
   * The channel as an Observable of messages and an Observer of payloads. `receive` goes on beside it.
   *
   * Whoever uses this and never `receive` need not care for its buffer: when that is full it is given up, which is told once
   * on `faults$`. For {@link Channel.consume} make the manager with `listens: false`.
   *
   * @throws {@link ChannelError} `not_found`
   */
  async channel$(channel: string): Promise<Channel> {
    const name = parseChannelName(channel);
    const managed = await this.#reach(() => this.#shelf.get(name));
    managed.inbox.share();
    return managed.channel.channel$;
  }

  /** A key package for a member that will call `addMember`; see {@link SkytaleClient.generateKeyPackage}. */
  keyPackage(): Promise<Uint8Array> {
    return this.#reach(() => this.#client.generateKeyPackage());
  }

  /** Adds a member by its key package. Returns the Welcome to hand to it; see {@link ClientChannel.addMember}. */
  async addMember(channel: string, keyPackage: Uint8Array, options?: CallOptions): Promise<Uint8Array> {
    return this.#on(channel, (found) => found.addMember(keyPackage, options), options);
  }

  /** Joins with a Welcome from `addMember`; see {@link SkytaleClient.joinChannel}. */
  async join(channel: string, welcome: Uint8Array, options: CallOptions = {}): Promise<void> {
    const name = parseChannelName(channel);
    await this.#open(options.signal);
    await this.#shelf.add(await this.#client.joinChannel(name, welcome, options));
  }

  /**
   * Removes a member.
   *
   * @param identity text stands for its UTF-8
   * @throws {@link ChannelError} `not_found` if it is none
   */
  async removeMember(channel: string, identity: string | Uint8Array, options?: CallOptions): Promise<void> {
    await this.#on(channel, (found) => found.removeMember(toBytes(identity), options), options);
  }

  /** Renews this agent's keys in the channel: what was stolen before is of no use from then on. Returns the new epoch. */
  async rotateKey(channel: string, options?: CallOptions): Promise<bigint> {
    const { epoch } = await this.#on(channel, ({ channel$ }) => channel$.commit({ rotate: true }, options), options);
    return epoch;
  }

  /** Leaves the group, see {@link Channel.leave}. */
  async leave(channel: string, options?: CallOptions): Promise<void> {
    await this.#on(channel, ({ channel$ }) => channel$.leave(options), options);
  }

  /**
   * Cuts off an agent, step by step; see {@link SkytaleClient.revoke}.
   *
   * @param agent text stands for its UTF-8
   * @throws {@link RuntimeError} `invalid_argument`
   *
   * @example
   * const manager = new SkytaleChannelManager({ identity: 'alice', mock: true });
   * await manager.create('acme/research/summarizer');
   * const { kind } = await lastValueFrom(manager.revoke('mallory', { reason: 'credential_compromise' }));
   * assert.equal(kind, 'done');
   * await manager.close();
   */
  revoke(agent: string | Uint8Array, options?: RevokeOptions): Observable<RevocationStep> {
    return this.#client.revoke(toBytes(agent), options);
  }

  /** Closes all channels as {@link SkytaleClient.close} does; memberships stay. What was sent before gets its moment. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(): Promise<void> {
    // What was called before is under way before the channels stop.
    await Promise.allSettled([this.ready, ...this.#arriving]);
    try {
      await this.#shelf.close();
    } finally {
      await this.#home.close();
      this.#faults.complete();
    }
  }

  /** Does something with a channel. `close` waits until it has begun, and no longer. */
  async #on<T>(channel: string, begin: (found: ClientChannel) => Promise<T>, { signal }: CallOptions = {}): Promise<T> {
    const name = parseChannelName(channel);
    signal?.throwIfAborted();
    const reached = this.#reach(async () => ({ outcome: begin((await this.#shelf.get(name)).channel) }));
    const { outcome } = await abortable(reached, signal);
    return outcome;
  }

  /** Does something once everything is open. `close` waits for it. */
  #reach<T>(task: () => Promise<T>): Promise<T> {
    const arrival = this.#open().then(task);
    const forget = (): void => void this.#arriving.delete(arrival);
    this.#arriving.add(arrival);
    arrival.then(forget, forget);
    return arrival;
  }

  async #open(signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted();
    if (this.#closing !== undefined) throw new ChannelError('channel_closed', 'the manager is closed');
    await abortable(this.ready, signal);
  }

  #encode(message: OutgoingMessage): Uint8Array {
    if (typeof message === 'string') return encodeText(message);
    const { protocols, random } = this.#options;
    if (message instanceof Uint8Array) {
      // Bytes that happen to begin like an envelope arrive as they are.
      return encodeEnvelope({ protocol: 'raw', contentType: 'application/octet-stream', payload: message });
    }
    return encodeEnvelope(createEnvelope(message, { ...(protocols && { protocols }), ...(random && { random }) }));
  }

  #tell(fault: ManagerFault): void {
    if (this.#faults.observed) this.#faults.next(fault);
    else this.#home.warn(describeFault(fault));
  }
}

function toBytes(identity: string | Uint8Array): Uint8Array {
  return typeof identity === 'string' ? encodeText(identity) : checkBytes('identity', identity);
}
