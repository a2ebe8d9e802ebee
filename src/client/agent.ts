import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import type { Keyv } from 'keyv';
import { type AcceptRemoval, type Channel, startChannel } from '../actors/channel/index.ts';
import { equalBytes } from '../base/bytes.ts';
import type { ChannelName } from '../base/channel-name.ts';
import type { Clock } from '../base/clock.ts';
import { ChannelError, MlsError, RuntimeError, toSkytaleError, TransportError } from '../base/errors.ts';
import type { Random } from '../base/random.ts';
import {
  INSPECTION_SOCKET,
  type InspectionOptions,
  type InspectionServer,
  serveInspection,
} from '../inspection/index.ts';
import {
  type AgentKeys,
  type AgentStore,
  type ChannelRecord,
  createAgentKeys,
  createGroup,
  createKeyPackage,
  createMlsEngine,
  FOUNDER_ADMISSIONS,
  type InviteToken,
  type Cursor,
  type DataDirectoryWarning,
  type Group,
  groupIdBelongsTo,
  type IdentityPins,
  joinGroup,
  type KeyPackageBundle,
  makeEpochStatement,
  makeRejoinRequest,
  makeRemovalRequest,
  type MlsEngine,
  NO_ADMISSIONS,
  newLeaves,
  resumedAdmissions,
  type MlsEngineOptions,
  mlsGroupCodec,
  newGroupId,
  openAgentStore,
  openDataDirectory,
  readWelcome,
  type RemovalTerms,
  type RotationPolicy,
  type StateKey,
  type StoreOptions,
  groupMembers,
  NO_PINS,
  pinMembers,
} from '../mls/index.ts';
import { type StateObservable, StateSubject } from '../streams/index.ts';
import type { ControlPlane, RelayTransport } from '../transport/index.ts';
import { Inviter, registerChannel, requireControlPlane } from './inviter.ts';
import { JoinAttempt, type AttemptStep } from './join-attempt.ts';
import type { Revoker } from './revocation.ts';
import { KeyPackageSweep } from './key-package-sweep.ts';

/** How long a relay may take to hand out a Welcome that it has had since the commit was accepted. */
const ADMISSION_MS = 30_000;

/** How a client serves its inspection feed. */
export interface ClientInspection extends InspectionOptions {
  /** Path of the Unix socket. Default `inspect.sock` in the data directory. */
  readonly socket?: string;
}

export interface AgentOptions {
  readonly dataDir: string;
  /** Keeps the agent's state instead of the data directory. */
  readonly keyv: Keyv | undefined;
  readonly identity: Uint8Array;
  readonly transport: RelayTransport;
  readonly controlPlane: ControlPlane | undefined;
  readonly clock: Clock;
  readonly random: Random;
  /** What the data directory is encrypted under. */
  readonly stateKey: StateKey | undefined;
  /** Cipher suite, padding, and who may be a member. */
  readonly engine: MlsEngineOptions;
  readonly rotation: RotationPolicy | undefined;
  readonly commitWindowMs: number;
  /** Whether to follow a request to remove a member. */
  readonly acceptRemoval: AcceptRemoval | undefined;
  /** How long spent keys may stay on disk. Default: the store's. */
  readonly foldAfterMs: number | undefined;
  /** How its inspection feed is served. Not at all without. */
  readonly inspect: ClientInspection | undefined;
  /** Told what was found and put up with, for example permissions that had to be repaired. */
  readonly warn: (warning: string) => void;
}

/** One agent on one data directory: its keys, its store, and the channels that are open. */
export class Agent {
  readonly #options: AgentOptions;
  readonly #engine: MlsEngine;
  readonly #store: AgentStore;
  readonly #keys: AgentKeys;
  readonly #sweep: KeyPackageSweep;
  readonly #channels = new Map<ChannelName, Channel>();
  readonly #open = new StateSubject<readonly Channel[]>([]);
  /** The channels that are open. */
  readonly channels$: StateObservable<readonly Channel[]> = this.#open.asObservable();
  #inspection: InspectionServer | undefined;
  readonly #inviters = new WeakMap<Channel, Inviter>();
  /** Channels that are being made right now, so that two calls do not make one twice. */
  readonly #opening = new Set<ChannelName>();

  private constructor(options: AgentOptions, engine: MlsEngine, store: AgentStore, keys: AgentKeys) {
    this.#options = options;
    this.#engine = engine;
    this.#store = store;
    this.#keys = keys;
    const { clock, warn } = options;
    this.#sweep = new KeyPackageSweep({ store, clock, warn });
  }

  /**
   * Opens the data directory; makes it, and the agent's keys, the first time.
   *
   * @throws {@link RuntimeError} `data_dir_in_use`, `data_dir_version`, `data_dir_foreign`, `state_key_wrong`, `store_error`
   */
  static async open(options: AgentOptions): Promise<Agent> {
    const engine = await createMlsEngine(options.engine);
    const store = await openStore(options, engine);
    try {
      const agent = new Agent(options, engine, store, await loadKeys(store, engine, options.identity));
      await agent.#sweep.start();
      await agent.#serveInspection();
      return agent;
    } catch (error) {
      await store.close();
      throw error;
    }
  }

  /** Names of the channels that this agent is in. */
  channelNames(): Promise<readonly ChannelName[]> {
    return this.#store.channelNames();
  }

  /** Makes a channel with this agent as its only member. */
  createChannel(name: ChannelName): Promise<Channel> {
    return this.#add(name, async () => {
      const { controlPlane } = this.#options;
      // First of all: the name may belong to somebody else.
      if (controlPlane !== undefined) await registerChannel(controlPlane, name, this.#keys.identity);
      const groupId = newGroupId(name, randomBytes(16));
      const group = await createGroup(this.#engine, { groupId, keys: this.#keys, nowMs: this.#options.clock.now() });
      return { ...newRecord(name, group, { afterSeq: 0 }, 0), admissions: FOUNDER_ADMISSIONS };
    });
  }

  /** A key package for somebody who will add this agent; kept until it is used, or over. */
  async createKeyPackage(): Promise<Uint8Array> {
    return (await this.#createBundle()).keyPackage;
  }

  /** Joins the channel that a Welcome was made for; anew, if this agent was in it and cannot go on there. */
  async joinChannel(name: ChannelName, welcome: Uint8Array): Promise<Channel> {
    const { refs } = readWelcome(this.#engine, welcome);
    const bundles = await Promise.all(refs.map((ref) => this.#store.loadKeyPackage(ref)));
    const bundle = bundles.find((candidate) => candidate !== undefined);
    if (bundle === undefined) {
      throw new MlsError(
        'invalid_welcome',
        'this Welcome is not for a key package of this client, or that key package was used already',
      );
    }
    return this.#joinWith(name, welcome, bundle, 'ask');
  }

  /**
   * Asks to join by an invite's token.
   *
   * @throws {@link ChannelError} `channel_exists` if this agent is in the channel already; {@link AuthError} `api_key_required`
   */
  async beginJoin(name: ChannelName, token: InviteToken, onStep: (step: AttemptStep) => void): Promise<JoinAttempt> {
    const { transport, clock, random } = this.#options;
    const controlPlane = requireControlPlane(this.#options.controlPlane);
    const { identity } = this.#keys;
    await this.#checkNotIn(name);
    const bundle = await this.#createBundle();
    const request = { channel: name, token, identity, bundle };
    return new JoinAttempt({ transport, clock, random, controlPlane }, request, onStep);
  }

  /** Waits for what comes of an attempt, and joins with it. */
  async finishJoin(name: ChannelName, attempt: JoinAttempt, signal: AbortSignal): Promise<Channel> {
    const { bundle } = attempt;
    const { channel, payload } = await attempt.run(signal);
    if (channel !== name) throw new MlsError('invalid_welcome', `the Welcome is for another channel than ${name}`);
    // The relay has let this account in when it handed the Welcome over.
    return this.#joinWith(name, payload, bundle, 'given');
  }

  /** What makes invites to a channel of this agent. */
  inviterOf(channel: Channel): Inviter {
    const inviter = this.#inviters.get(channel);
    if (inviter !== undefined) return inviter;
    throw new ChannelError('not_found', `${channel.name} is not a channel of this agent`);
  }

  async #joinWith(
    name: ChannelName,
    welcome: Uint8Array,
    bundle: KeyPackageBundle,
    admission: 'ask' | 'given',
  ): Promise<Channel> {
    const channel = await this.#add(
      name,
      async (old) => {
        // Whom we knew under which key does not end with the old membership.
        const group = await this.#join(name, welcome, bundle, old?.pins ?? NO_PINS);
        const { transport, clock } = this.#options;
        // Before anything is written: if this fails, or the process ends here, the same Welcome can be used again.
        if (admission === 'ask' && transport.isAuthenticated) await this.#askAdmission(name, bundle.ref);
        return newRecord(name, group, { afterCommitOfEpoch: group.epoch - 1n }, clock.now(), old);
      },
      'rejoin',
    );
    await this.#store.deleteKeyPackage(bundle.ref);
    return channel;
  }

  /** Opens a channel that this agent is in already, as its data directory has it. */
  async openChannel(name: ChannelName): Promise<Channel> {
    const open = this.#channels.get(name);
    if (open !== undefined) return open;
    const record = await this.#store.loadChannel(name);
    if (record === undefined) throw new ChannelError('not_found', `this agent is not in ${name}`);
    // Another call may have been faster while the store was read.
    return this.#channels.get(name) ?? this.#start(record);
  }

  /**
   * What revoking somebody takes: all channels, for the members that they have.
   *
   * @throws {@link AuthError} `api_key_required`
   */
  async revoker(): Promise<Revoker> {
    const controlPlane = requireControlPlane(this.#options.controlPlane, 'revoking');
    const { clock, warn } = this.#options;
    const channels = await Promise.all((await this.channelNames()).map((name) => this.openChannel(name)));
    const sign = (terms: RemovalTerms): Promise<Uint8Array> => makeRemovalRequest(this.#engine, this.#keys, terms);
    return { identity: this.#keys.identity, controlPlane, clock, channels, sign, warn };
  }

  async close(): Promise<void> {
    await this.#inspection?.close();
    const stopped = await Promise.allSettled([...this.#channels.values()].map((channel) => channel.stop()));
    await this.#sweep.stop();
    await this.#store.close();
    const failures = stopped.flatMap((result) => (result.status === 'rejected' ? [result.reason as unknown] : []));
    if (failures.length > 0) throw new AggregateError(failures, 'some channels could not be closed properly');
  }

  async #createBundle(): Promise<KeyPackageBundle> {
    const bundle = await createKeyPackage(this.#engine, this.#keys, this.#options.clock.now());
    await this.#store.saveKeyPackage(bundle);
    return bundle;
  }

  async #join(name: ChannelName, welcome: Uint8Array, bundle: KeyPackageBundle, pins: IdentityPins): Promise<Group> {
    const nowMs = this.#options.clock.now();
    const group = await joinGroup(this.#engine, { welcome, bundle, keys: this.#keys, nowMs, pins });
    if (groupIdBelongsTo(group.groupId, name)) return group;
    throw new MlsError('invalid_welcome', `this Welcome is for another channel than ${name}`);
  }

  /** Has the relay hand the Welcome to this account, which opens the channel to it. */
  async #askAdmission(name: ChannelName, keyPackageRef: Uint8Array): Promise<void> {
    const { transport, clock } = this.#options;
    const timeout = new AbortController();
    const cancelTimeout = clock.schedule(ADMISSION_MS, () => {
      const detail = `the relay has not opened ${name} to this account within ${ADMISSION_MS / 1000} s: call joinChannel again`;
      timeout.abort(new TransportError('join_timeout', detail));
    });
    try {
      const { channel } = await transport.awaitWelcome(keyPackageRef, timeout.signal);
      if (channel === name) return;
    } finally {
      cancelTimeout();
    }
    throw new MlsError(
      'invalid_welcome',
      `the relay has the Welcome for this key package in another channel than ${name}`,
    );
  }

  async #add(
    name: ChannelName,
    makeRecord: (old: ChannelRecord | undefined) => Promise<ChannelRecord>,
    mode?: 'rejoin',
  ): Promise<Channel> {
    if (this.#opening.has(name)) throw new ChannelError('channel_exists', `${name} is being made already`);
    this.#opening.add(name);
    try {
      const old = mode === 'rejoin' ? await this.#checkNotIn(name) : await this.#store.loadChannel(name);
      if (mode !== 'rejoin' && old !== undefined) throw alreadyIn(name);
      const record = await makeRecord(old);
      await this.#channels.get(name)?.stop({ graceMs: 0 });
      await this.#store.saveChannel(record);
      return this.#start(record);
    } finally {
      this.#opening.delete(name);
    }
  }

  /** The old membership, if there is one that is over. @throws {@link ChannelError} `channel_exists` if there is one that is not */
  async #checkNotIn(name: ChannelName): Promise<ChannelRecord | undefined> {
    const old = await this.#store.loadChannel(name);
    if (old !== undefined && !this.#isOver(old)) throw alreadyIn(name);
    return old;
  }

  /** Whether an old membership can only be replaced by a new one. */
  #isOver({ name, group }: ChannelRecord): boolean {
    const status = this.#channels.get(name)?.status$.value;
    return (
      !group.isActive || status === 'removed' || status === 'stuck' || status === 'forked' || status === 'rolled-back'
    );
  }

  /** An agent that cannot be watched works all the same. */
  async #serveInspection(): Promise<void> {
    const { inspect, dataDir, identity, transport, clock, warn } = this.#options;
    if (inspect === undefined) return;
    const agent = { identity, transport$: transport.status$, channels$: this.channels$ };
    try {
      this.#inspection = await serveInspection({ socket: join(dataDir, INSPECTION_SOCKET), ...inspect, agent, clock });
    } catch (error) {
      warn(`nobody can inspect this agent: ${toSkytaleError(error).message}`);
    }
  }

  #start(record: ChannelRecord): Channel {
    const { transport, controlPlane, clock, random, rotation, commitWindowMs, acceptRemoval } = this.#options;
    const channel = startChannel(record, {
      engine: this.#engine,
      store: this.#store,
      transport,
      clock,
      random,
      commitWindowMs,
      ...(rotation && { rotation }),
      ...(acceptRemoval && { acceptRemoval }),
      ...(controlPlane && { controlPlane }),
      stateEpoch: (group) => makeEpochStatement(this.#engine, this.#keys, group),
      rejoin: {
        createKeyPackage: () => this.#createBundle(),
        makeRequest: ({ group }, bundle, epoch) =>
          makeRejoinRequest(this.#engine, this.#keys, bundle, { groupId: group.groupId, epoch }),
        join: async (old, welcome, bundle) => {
          const group = await this.#join(old.name, welcome, bundle, old.pins);
          await this.#store.deleteKeyPackage(bundle.ref);
          return group;
        },
      },
    });
    this.#channels.set(record.name, channel);
    this.#open.next([...this.#channels.values()]);
    const forget = (): void => {
      if (this.#channels.get(record.name) === channel) this.#channels.delete(record.name);
      this.#open.next([...this.#channels.values()]);
    };
    const invites = { engine: this.#engine, keys: this.#keys, clock, controlPlane };
    this.#inviters.set(channel, new Inviter(invites, record.name, record.group.groupId));
    channel.status$.subscribe({ complete: forget, error: forget });
    return channel;
  }
}

async function openStore(options: AgentOptions, engine: MlsEngine): Promise<AgentStore> {
  const { dataDir, keyv, stateKey, clock, warn, foldAfterMs } = options;
  const storeOptions: StoreOptions = {
    codec: mlsGroupCodec(engine),
    clock,
    ...(foldAfterMs !== undefined && { foldAfterMs }),
    onBackgroundError: (error) => warn(`spent keys could not be erased from the store yet: ${error.message}`),
  };
  if (keyv !== undefined) return openAgentStore({ ...storeOptions, keyv, stateKey });
  const { store, warnings } = await openDataDirectory(dataDir, { ...storeOptions, key: stateKey });
  for (const warning of warnings) warn(describeWarning(warning));
  return store;
}

function describeWarning(warning: DataDirectoryWarning): string {
  switch (warning.kind) {
    case 'loose-permissions':
      return `${warning.path} was open to others than its owner; its permissions were repaired`;
    case 'no-write-ahead-log':
      return `the data directory's file system cannot carry a write-ahead log (${warning.journalMode} instead): saves are slower`;
  }
}

async function loadKeys(store: AgentStore, engine: MlsEngine, identity: Uint8Array): Promise<AgentKeys> {
  const stored = await store.loadKeys();
  if (stored === undefined) {
    const keys = await createAgentKeys(engine, identity);
    await store.saveKeys(keys);
    return keys;
  }
  if (equalBytes(stored.identity, identity)) return stored;
  throw new RuntimeError(
    'data_dir_foreign',
    'the data directory belongs to another identity: every agent needs a directory of its own',
  );
}

function alreadyIn(name: ChannelName): ChannelError {
  return new ChannelError('channel_exists', `this agent is in ${name} already: open it with openChannel()`);
}

/** A channel from here on. What was to be sent and what was not acknowledged does not end with an `old` membership. */
function newRecord(name: ChannelName, group: Group, cursor: Cursor, nowMs: number, old?: ChannelRecord): ChannelRecord {
  return {
    name,
    group,
    idKey: old?.idKey ?? new Uint8Array(randomBytes(32)),
    cursor,
    outbox: old?.outbox ?? [],
    journal: old?.journal ?? [],
    pendingCommit: undefined,
    commitSpentInEpoch: undefined,
    pins: pinMembers(old?.pins ?? NO_PINS, groupMembers(group)).pins,
    admissions: resumedAdmissions(old?.admissions ?? NO_ADMISSIONS, nowMs, newLeaves(group)),
  };
}
