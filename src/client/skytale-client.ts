import type { Observable } from 'rxjs';
import type { Keyv } from 'keyv';
import type { AcceptRemoval, CallOptions, Channel } from '../actors/channel/index.ts';
import { equalBytes } from '../base/bytes.ts';
import { parseChannelName } from '../base/channel-name.ts';
import { checkBytes, checkInteger } from '../base/check.ts';
import { type Clock, systemClock } from '../base/clock.ts';
import { ChannelError, RuntimeError } from '../base/errors.ts';
import { type Random, systemRandom } from '../base/random.ts';
import {
  type AcceptMember,
  type CipherSuiteName,
  findStateKey,
  parseInviteToken,
  type Padding,
  type RotationPolicy,
  type StateKey,
} from '../mls/index.ts';
import { abortable, type StateObservable } from '../streams/index.ts';
import type { ClientInspection } from './agent-options.ts';
import { Agent } from './agent.ts';
import {
  checkApiKey,
  connectControlPlane,
  connectRelay,
  type ControlPlane,
  type Quota,
  type RelayTransport,
} from '../transport/index.ts';
import { ClientChannel } from './client-channel.ts';
import { MAX_REGISTERED_IDENTITY } from './inviter.ts';
import { type Joining, joinSteps, joinWithin } from './join.ts';
import type { JoinAttempt } from './join-attempt.ts';
import type { JoinOptions, JoinStep, JoinWithTokenOptions } from './join-step.ts';
import { keyedTokens } from './keyed-tokens.ts';
import { checkReason, type RevocationStep, revocationSteps, type RevokeOptions } from './revocation.ts';

/** Options of {@link SkytaleClient}. */
export interface SkytaleClientOptions {
  /**
   * API key, `sk_live_…` or `sk_test_…`. Exchanged for a short-lived token that the relay checks, once when the client is
   * made and then whenever the token is about to end.
   */
  readonly apiKey?: string;
  /** Base URL of the API server, for example `https://api.skytale.sh`. Required with `apiKey`. */
  readonly apiUrl?: string;
  /** Instead of one at `apiUrl`: any control plane, such as the in-memory twin's. */
  readonly controlPlane?: ControlPlane;
  /** Instead of a connection to `endpoint`: any transport, such as the in-memory twin's. Closed with the client. */
  readonly transport?: RelayTransport;
  /**
   * Keeps the agent's state in place of the data directory, which is not touched then: any Keyv store that is this agent's
   * alone. What it acknowledges must be durable. Nothing locks it: that no other process uses it is for you to see to.
   */
  readonly keyv?: Keyv;
  /**
   * What the data directory is encrypted under: 32 bytes, or a passphrase. The first client on a directory decides whether
   * it is encrypted; {@link changeStateKey} changes it. Default: `stateKeyFile`, else the environment variable
   * `SKYTALE_STATE_KEY` (32 bytes in hexadecimal or base64), else the directory is not encrypted.
   */
  readonly stateKey?: StateKey;
  /** Path of a file with the 32 bytes, raw or in hexadecimal or base64. Refused if everybody can read it. */
  readonly stateKeyFile?: string;
  /**
   * Cipher suite of the channels that are made, one for all of a data directory. Default
   * `MLS_128_DHKEMX25519_AES128GCM_SHA256_Ed25519`. An agent joins channels of its own suite only.
   */
  readonly cipherSuite?: CipherSuiteName;
  /** What hides the sizes of messages: `buckets` (default), `none`, or a least length in bytes. */
  readonly padding?: Padding;
  /** When own keys are renewed by themselves. Default after 10,000 own messages in an epoch, or a day. */
  readonly rotation?: RotationPolicy;
  /**
   * How long adds and removes wait for others that share their commit, in milliseconds: 0 to 1 000. Default 0: only those
   * that arrive while another commit is under way share one.
   */
  readonly commitWindowMs?: number;
  /**
   * How long keys that are spent may stay on disk, in milliseconds, so that whoever gets hold of the data directory cannot
   * read what came before: up to an hour. Default 1 000. 0 leaves none behind a message, at the cost of writing all of the
   * channel's state for each.
   */
  readonly foldAfterMs?: number;
  /**
   * Types of group extensions that this application understands, 6 to 65 535. Others learn it from key packages; a channel
   * can have an extension only if all of its members understand it.
   */
  readonly extensionTypes?: readonly number[];
  /** Whether somebody may be a member. Default everybody whom a member adds. */
  readonly acceptMember?: AcceptMember;
  /**
   * Serves what goes on in this agent to `skytale tree` and others of this user on this machine: its channels, and the actors of the
   * `systems` that are named. Holds no payload, no key and no token; see docs/inspection.md. Default `false`.
   */
  readonly inspect?: boolean | ClientInspection;
  /** Whether this agent follows a request to remove a member, because its agent was revoked. Default whenever a member has signed it. */
  readonly acceptRemoval?: AcceptRemoval;
  /** Told of what was found and repaired in the data directory. Default `process.emitWarning`. */
  readonly warn?: (warning: string) => void;
  readonly clock?: Clock;
  readonly random?: Random;
}

/** The longest identity, in bytes. */
const MAX_IDENTITY_BYTES = 1024;
const MAX_COMMIT_WINDOW_MS = 1_000;
const MAX_FOLD_AFTER_MS = 3_600_000;
/** A day: what may take longer has no need of a timeout. */
const MAX_TIMEOUT_MS = 24 * 3600 * 1000;

/**
 * One agent: its data directory, its identity, and its connection to a relay.
 *
 * The data directory holds the agent's keys and the state of its channels. It belongs to one agent and one process; a
 * second client on it is refused with `data_dir_in_use`. The relay need not be there: the client starts without it, and
 * its channels say on `status$` how they are.
 *
 * @example
 * const alice = new SkytaleClient('http://127.0.0.1:5000', '/var/lib/alice/skytale', new TextEncoder().encode('alice'));
 * const channel = await alice.createChannel('myorg/team/general');
 */
export class SkytaleClient implements AsyncDisposable {
  /** Resolves when the data directory is open; rejects with what every other call rejects with then. */
  readonly ready: Promise<void>;
  readonly #agent: Promise<Agent>;
  /**
   * What the account may still send this month, as of the latest send on any channel. Replays the latest; `undefined` until
   * the relay tells; completes when the client is closed.
   */
  readonly quota$: StateObservable<Quota | undefined>;
  readonly #transport: RelayTransport;
  readonly #clock: Clock;
  readonly #identity: Uint8Array;
  readonly #warn: (warning: string) => void;
  readonly #stopTokens = new AbortController();
  readonly #stopJoining = new AbortController();
  #closing: Promise<void> | undefined;

  /**
   * @param endpoint the relay, `https://host:port`, or `http://host:port` for one without TLS; several that serve one log
   * are tried in turn, from a random one
   * @param dataDir directory for keys and MLS state; made if it is not there
   * @param identity who this agent is, 1 to 1 024 bytes; other members see it
   * @throws {@link RuntimeError} `invalid_argument`, `state_key_wrong` if the state key's file cannot be used;
   * {@link AuthError} `auth_key_invalid`
   */
  constructor(
    endpoint: string | readonly string[],
    dataDir: string,
    identity: Uint8Array,
    options: SkytaleClientOptions = {},
  ) {
    checkIdentity(identity);
    if (typeof dataDir !== 'string' || dataDir === '') {
      throw new RuntimeError('invalid_argument', 'Expected `dataDir` to be the path of a directory.');
    }
    const { clock = systemClock, random = systemRandom, warn = emitWarning } = options;
    const commitWindowMs = checkInteger('commitWindowMs', options.commitWindowMs ?? 0, 0, MAX_COMMIT_WINDOW_MS);
    if (options.foldAfterMs !== undefined) checkInteger('foldAfterMs', options.foldAfterMs, 0, MAX_FOLD_AFTER_MS);
    const stateKey = findStateKey(options);
    const { signal } = this.#stopTokens;
    this.#transport =
      options.transport ??
      connectRelay({ endpoint, clock, random, ...tokenOption(options, identity, { clock, random, signal }) });
    this.quota$ = this.#transport.quota$;
    this.#clock = clock;
    this.#identity = identity.slice();
    this.#warn = warn;
    const transport = this.#transport;
    const { cipherSuite, padding, acceptMember, rotation, extensionTypes, foldAfterMs } = options;
    this.#agent = Agent.open({
      dataDir,
      keyv: options.keyv,
      identity: this.#identity,
      transport,
      controlPlane: options.controlPlane ?? controlPlaneOf(options, { clock, random }),
      clock,
      random,
      warn,
      stateKey,
      rotation,
      commitWindowMs,
      acceptRemoval: options.acceptRemoval,
      foldAfterMs,
      inspect: options.inspect === true ? {} : options.inspect === false ? undefined : options.inspect,
      engine: {
        ...(cipherSuite && { suite: cipherSuite }),
        ...(padding !== undefined && { padding }),
        ...(acceptMember && { acceptMember }),
        ...(extensionTypes && { extensionTypes }),
      },
    });
    this.ready = this.#agent.then(() => undefined);
    // Who awaits nothing of this client still hears of it: every call rejects with the same error.
    this.ready.catch(() => undefined);
  }

  /**
   * Makes a channel. This agent is its first member, and the only one until it adds others.
   *
   * @param name `org/namespace/service`
   * @throws {@link ChannelError} `channel_error` for a bad name, `channel_exists` if this agent is in it already
   */
  async createChannel(name: string, { signal }: CallOptions = {}): Promise<ClientChannel> {
    const checked = parseChannelName(name);
    const agent = await this.#open(signal);
    return this.#face(agent, await agent.createChannel(checked, signal));
  }

  /** A key package (RFC 9420 §10), an MLSMessage, to be handed to a member that calls `addMember`. Good for 30 days and one use. */
  async generateKeyPackage(): Promise<Uint8Array> {
    return (await this.#open()).createKeyPackage();
  }

  /**
   * Joins a channel with the Welcome that `addMember` returned for a key package of this client.
   *
   * @throws {@link ChannelError} `channel_error` for a bad name, `channel_exists` if this agent is in it already
   * @throws {@link MlsError} `invalid_welcome` for a Welcome that is damaged, for another client, used, or for a channel
   * of another name
   * @throws {@link AuthError} `unauthorized` if the relay knows accounts and has handed the Welcome to another one;
   * {@link TransportError} `join_timeout` if it does not answer. Then the same Welcome is good for another try.
   */
  async joinChannel(name: string, welcome: Uint8Array, { signal }: CallOptions = {}): Promise<ClientChannel> {
    const checked = parseChannelName(name);
    checkBytes('welcome', welcome);
    const agent = await this.#open(signal);
    return this.#face(agent, await agent.joinChannel(checked, welcome.slice(), signal));
  }

  /**
   * Opens a channel that this agent made or joined in an earlier run, where that run had ended.
   *
   * @throws {@link ChannelError} `not_found` if this data directory has no such channel
   */
  async openChannel(name: string): Promise<ClientChannel> {
    const checked = parseChannelName(name);
    const agent = await this.#open();
    return this.#face(agent, await agent.openChannel(checked));
  }

  /**
   * Joins a channel with an invite's token, step by step. Cold: each subscription is a request of its own. Completes after
   * `joined`; waits for a member for as long as it takes. Unsubscribing takes the request back.
   *
   * A token is good again for the identity that has used it, also after it has lost its data directory: its old leaf is
   * replaced then.
   *
   * Errors with {@link ChannelError} `invite_invalid`, `invite_unknown`, `invite_wrong_channel`, `invite_expired`, `invite_revoked`,
   * `invite_exhausted`, `identity_taken`, `join_denied`; `channel_exists` if this agent is in already; {@link AuthError}
   * `api_key_required`, `auth_failed`; and with the reason of `signal`.
   *
   * @example
   * client.join('myorg/team/general', token).subscribe(({ kind }) => console.log(kind));
   */
  join(name: string, token: string, { signal }: JoinOptions = {}): Observable<JoinStep> {
    return this.#join(name, token, signal);
  }

  /**
   * {@link SkytaleClient.join}, to its end.
   *
   * @throws {@link TransportError} `join_timeout` after `timeoutMs`, saying whether a member was online, and what kept this agent from
   * the relay, if anything did, which is its `cause` as well; and what `join` errors with
   */
  async joinWithToken(name: string, token: string, options: JoinWithTokenOptions = {}): Promise<ClientChannel> {
    const timeoutMs = checkInteger('timeoutMs', options.timeoutMs ?? 60_000, 1, MAX_TIMEOUT_MS);
    const { signal } = options;
    return joinWithin((either, onAttempt) => this.#join(name, token, either, onAttempt), {
      clock: this.#clock,
      status$: this.#transport.status$,
      timeoutMs,
      ...(signal && { signal }),
    });
  }

  /**
   * Cuts off an agent, step by step: its API keys, tokens and invites are void by the control plane, which ends its connections;
   * this agent removes it at once from all channels that both are in, and members that are online do so where this one cannot.
   * Cold: each subscription is a revocation of its own. Completes after `done`, with a receipt. Unsubscribing ends the watching
   * only.
   *
   * Errors with {@link AuthError} `api_key_required`, `unauthorized`; {@link TransportError} if the control plane cannot be reached,
   * and then the agent is removed from the channels of this one all the same; and with the reason of `signal`.
   *
   * @param identity of the agent, 1 to 256 bytes
   * @throws {@link RuntimeError} `invalid_argument`, also for the identity of this agent itself: see {@link Channel.leave}
   *
   * @example
   * const mallory = new TextEncoder().encode('mallory');
   * client.revoke(mallory, { reason: 'credential_compromise' }).subscribe(({ kind }) => console.log(kind));
   */
  revoke(identity: Uint8Array, options: RevokeOptions = {}): Observable<RevocationStep> {
    checkIdentity(identity);
    const target = identity.slice();
    const reason = checkReason(options.reason);
    const waitMs = checkInteger('waitMs', options.waitMs ?? 10_000, 0, MAX_TIMEOUT_MS);
    const closing = this.#stopJoining.signal;
    const signal = options.signal === undefined ? closing : AbortSignal.any([options.signal, closing]);
    if (equalBytes(target, this.#identity)) {
      throw new RuntimeError('invalid_argument', 'Expected `identity` to be that of another agent.');
    }
    return revocationSteps(async () => (await this.#open()).revoker(), target, { reason, waitMs, signal });
  }

  /** Names of the channels that this agent is in. */
  async channels(): Promise<readonly string[]> {
    return (await this.#open()).channelNames();
  }

  /** Stops all channels as {@link Channel.stop} does, lets go of the relay and of the data directory. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #join(
    name: string,
    token: string,
    signal?: AbortSignal,
    onAttempt?: (attempt: JoinAttempt) => void,
  ): Observable<JoinStep> {
    const joining: Joining = {
      begin: async (onStep) => {
        const parsed = parseInviteToken(token);
        const agent = await this.#open();
        return agent.beginJoin(parseChannelName(name), parsed, onStep);
      },
      finish: async (attempt, isOver) => {
        const agent = await this.#open();
        return this.#face(agent, await agent.finishJoin(parseChannelName(name), attempt, isOver));
      },
    };
    const closing = this.#stopJoining.signal;
    const isOver = signal === undefined ? closing : AbortSignal.any([signal, closing]);
    return joinSteps(joining, this.#warn, isOver, onAttempt);
  }

  #face(agent: Agent, channel: Channel): ClientChannel {
    const inviter = agent.inviterOf(channel);
    return new ClientChannel(channel, (options) => inviter.invite(options));
  }

  async #open(signal?: AbortSignal): Promise<Agent> {
    signal?.throwIfAborted();
    if (this.#closing !== undefined) throw new ChannelError('channel_closed', 'the client is closed');
    return abortable(this.#agent, signal);
  }

  async #close(): Promise<void> {
    this.#stopJoining.abort(new ChannelError('channel_closed', 'the client was closed before that was done'));
    const [agent] = await Promise.allSettled([this.#agent]);
    try {
      // A client that never opened has nothing to close but its transport.
      if (agent.status === 'fulfilled') await agent.value.close();
    } finally {
      this.#stopTokens.abort();
      await this.#transport.close();
    }
  }
}

function emitWarning(text: string): void {
  process.emitWarning(text);
}

function checkIdentity(identity: Uint8Array): void {
  checkBytes('identity', identity);
  if (identity.length > 0 && identity.length <= MAX_IDENTITY_BYTES) return;
  throw new RuntimeError(
    'invalid_argument',
    `Expected \`identity\` to have 1 to ${MAX_IDENTITY_BYTES} bytes, got ${identity.length}.`,
  );
}

function tokenOption(
  { apiKey, apiUrl }: SkytaleClientOptions,
  identity: Uint8Array,
  ports: { readonly clock: Clock; readonly random: Random; readonly signal: AbortSignal },
): { token?: () => Promise<string> } {
  if (apiKey === undefined) return {};
  if (apiUrl === undefined) throw new RuntimeError('invalid_argument', 'Expected `apiUrl` to be given with `apiKey`.');
  checkApiKey(apiKey);
  // So that a revocation of the identity ends the key.
  const binding = identity.length <= MAX_REGISTERED_IDENTITY ? { identity: identity.slice() } : {};
  return { token: keyedTokens({ apiKey, apiUrl, ...binding, ...ports }) };
}

function controlPlaneOf(
  { apiKey, apiUrl }: SkytaleClientOptions,
  ports: { readonly clock: Clock; readonly random: Random },
): ControlPlane | undefined {
  return apiKey === undefined || apiUrl === undefined ? undefined : connectControlPlane({ apiKey, apiUrl, ...ports });
}
