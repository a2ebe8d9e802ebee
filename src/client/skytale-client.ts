import { parseChannelName } from '../base/channel-name.ts';
import { checkBytes, checkInteger } from '../base/check.ts';
import { type Clock, systemClock } from '../base/clock.ts';
import { ChannelError, RuntimeError } from '../base/errors.ts';
import { type Random, systemRandom } from '../base/random.ts';
import {
  type AcceptMember,
  type CipherSuiteName,
  findStateKey,
  type Padding,
  type RotationPolicy,
  type StateKey,
} from '../mls/index.ts';
import type { StateObservable } from '../streams/index.ts';
import { checkApiKey, connectRelay, type Quota, type RelayTransport } from '../transport/index.ts';
import { Agent, type ClientInspection } from './agent.ts';
import { ClientChannel } from './client-channel.ts';
import { keyedTokens } from './keyed-tokens.ts';

/** Options of {@link SkytaleClient}. */
export interface SkytaleClientOptions {
  /**
   * API key, `sk_live_…` or `sk_test_…`. Exchanged for a short-lived token that the relay checks, once when the client is
   * made and then whenever the token is about to end.
   */
  readonly apiKey?: string;
  /** Base URL of the API server, for example `https://api.skytale.sh`. Required with `apiKey`. */
  readonly apiUrl?: string;
  /** Instead of a connection to `endpoint`: any transport, such as the in-memory twin's. Closed with the client. */
  readonly transport?: RelayTransport;
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
  /** Told of what was found and repaired in the data directory. Default `process.emitWarning`. */
  readonly warn?: (warning: string) => void;
  readonly clock?: Clock;
  readonly random?: Random;
}

/** The longest identity, in bytes. */
const MAX_IDENTITY_BYTES = 1024;
const MAX_COMMIT_WINDOW_MS = 1_000;
const MAX_FOLD_AFTER_MS = 3_600_000;

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
  readonly #stopTokens = new AbortController();
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
      connectRelay({ endpoint, clock, random, ...tokenOption(options, { clock, random, signal }) });
    this.quota$ = this.#transport.quota$;
    const transport = this.#transport;
    const { cipherSuite, padding, acceptMember, rotation, extensionTypes, foldAfterMs } = options;
    this.#agent = Agent.open({
      dataDir,
      identity: identity.slice(),
      transport,
      clock,
      random,
      warn,
      stateKey,
      rotation,
      commitWindowMs,
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
  async createChannel(name: string): Promise<ClientChannel> {
    const checked = parseChannelName(name);
    return new ClientChannel(await (await this.#open()).createChannel(checked));
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
  async joinChannel(name: string, welcome: Uint8Array): Promise<ClientChannel> {
    const checked = parseChannelName(name);
    checkBytes('welcome', welcome);
    return new ClientChannel(await (await this.#open()).joinChannel(checked, welcome.slice()));
  }

  /**
   * Opens a channel that this agent made or joined in an earlier run, where that run had ended.
   *
   * @throws {@link ChannelError} `not_found` if this data directory has no such channel
   */
  async openChannel(name: string): Promise<ClientChannel> {
    const checked = parseChannelName(name);
    return new ClientChannel(await (await this.#open()).openChannel(checked));
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

  async #open(): Promise<Agent> {
    if (this.#closing !== undefined) throw new ChannelError('channel_closed', 'the client is closed');
    return this.#agent;
  }

  async #close(): Promise<void> {
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
  ports: { readonly clock: Clock; readonly random: Random; readonly signal: AbortSignal },
): { token?: () => Promise<string> } {
  if (apiKey === undefined) return {};
  if (apiUrl === undefined) throw new RuntimeError('invalid_argument', 'Expected `apiUrl` to be given with `apiKey`.');
  checkApiKey(apiKey);
  return { token: keyedTokens({ apiKey, apiUrl, ...ports }) };
}
