import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import type { Channel } from '../actors/channel/index.ts';
import type { ChannelName } from '../base/channel-name.ts';
import { MlsError, toSkytaleError } from '../base/errors.ts';
import { INSPECTION_SOCKET, type InspectionServer, serveInspection } from '../inspection/index.ts';
import {
  createGroup,
  createMlsEngine,
  FOUNDER_ADMISSIONS,
  type InviteToken,
  type KeyPackageBundle,
  makeRemovalRequest,
  type MlsEngine,
  newGroupId,
  NO_PINS,
  type RemovalTerms,
} from '../mls/index.ts';
import type { StateObservable } from '../streams/index.ts';
import type { AgentOptions } from './agent-options.ts';
import { type AgentState, openAgentState } from './agent-state.ts';
import { type Inviter, registerChannel, requireControlPlane } from './inviter.ts';
import { type AttemptStep, JoinAttempt } from './join-attempt.ts';
import { KeyPackageSweep } from './key-package-sweep.ts';
import { newRecord } from './new-record.ts';
import { OpenChannels } from './open-channels.ts';
import type { Revoker } from './revocation.ts';
import { WelcomeDesk } from './welcome-desk.ts';

/** One agent on one data directory: its keys, its store, and the channels that are open. */
export class Agent {
  readonly #options: AgentOptions;
  readonly #engine: MlsEngine;
  readonly #state: AgentState;
  readonly #welcomes: WelcomeDesk;
  readonly #channels: OpenChannels;
  readonly #sweep: KeyPackageSweep;
  #inspection: InspectionServer | undefined;

  private constructor(options: AgentOptions, engine: MlsEngine, state: AgentState) {
    const { transport, clock, warn } = options;
    this.#options = options;
    this.#engine = engine;
    this.#state = state;
    this.#welcomes = new WelcomeDesk({ engine, ...state, transport, clock });
    this.#channels = new OpenChannels(options, engine, state, this.#welcomes);
    this.#sweep = new KeyPackageSweep({ store: state.store, clock, warn });
  }

  /**
   * Opens the data directory; makes it, and the agent's keys, the first time.
   *
   * @throws {@link RuntimeError} `data_dir_in_use`, `data_dir_version`, `data_dir_foreign`, `state_key_wrong`, `store_error`
   */
  static async open(options: AgentOptions): Promise<Agent> {
    const engine = await createMlsEngine(options.engine);
    const state = await openAgentState(options, engine);
    try {
      const agent = new Agent(options, engine, state);
      await agent.#sweep.start();
      await agent.#serveInspection();
      return agent;
    } catch (error) {
      await state.store.close();
      throw error;
    }
  }

  /** The channels that are open. */
  get channels$(): StateObservable<readonly Channel[]> {
    return this.#channels.channels$;
  }

  /** Names of the channels that this agent is in. */
  channelNames(): Promise<readonly ChannelName[]> {
    return this.#state.store.channelNames();
  }

  /** Makes a channel with this agent as its only member. */
  createChannel(name: ChannelName, signal?: AbortSignal): Promise<Channel> {
    return this.#channels.add(name, async () => {
      const { controlPlane } = this.#options;
      // First of all: the name may belong to somebody else.
      if (controlPlane !== undefined) {
        await registerChannel(controlPlane, name, this.#state.keys.identity, signal);
      }
      const groupId = newGroupId(name, randomBytes(16));
      const group = await createGroup(this.#engine, {
        groupId,
        keys: this.#state.keys,
        nowMs: this.#options.clock.now(),
      });
      return { ...newRecord(name, group, { afterSeq: 0 }, 0), admissions: FOUNDER_ADMISSIONS };
    });
  }

  /** A key package for somebody who will add this agent; kept until it is used, or over. */
  async createKeyPackage(): Promise<Uint8Array> {
    return (await this.#welcomes.createKeyPackage()).keyPackage;
  }

  /** Joins the channel that a Welcome was made for; anew, if this agent was in it and cannot go on there. */
  async joinChannel(name: ChannelName, welcome: Uint8Array, signal?: AbortSignal): Promise<Channel> {
    const bundle = await this.#welcomes.keyPackageOf(welcome);
    return this.#joinWith(name, welcome, bundle, { signal });
  }

  /**
   * Asks to join by an invite's token.
   *
   * @throws {@link ChannelError} `channel_exists` if this agent is in the channel already; {@link AuthError} `api_key_required`
   */
  async beginJoin(name: ChannelName, token: InviteToken, onStep: (step: AttemptStep) => void): Promise<JoinAttempt> {
    const { transport, clock, random } = this.#options;
    const controlPlane = requireControlPlane(this.#options.controlPlane);
    const { identity } = this.#state.keys;
    await this.#channels.checkNotIn(name);
    const bundle = await this.#welcomes.createKeyPackage();
    const request = { channel: name, token, identity, bundle };
    return new JoinAttempt({ transport, clock, random, controlPlane }, request, onStep);
  }

  /** Waits for what comes of an attempt, and joins with it. */
  async finishJoin(name: ChannelName, attempt: JoinAttempt, signal: AbortSignal): Promise<Channel> {
    const { bundle } = attempt;
    const { channel, payload } = await attempt.run(signal);
    if (channel !== name) throw new MlsError('invalid_welcome', `the Welcome is for another channel than ${name}`);
    // The relay has let this account in when it handed the Welcome over.
    return this.#joinWith(name, payload, bundle, 'admitted');
  }

  /** What makes invites to a channel of this agent. */
  inviterOf(channel: Channel): Inviter {
    return this.#channels.inviterOf(channel);
  }

  /** Opens a channel that this agent is in already, as its data directory has it. */
  openChannel(name: ChannelName): Promise<Channel> {
    return this.#channels.open(name);
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
    const sign = (terms: RemovalTerms): Promise<Uint8Array> =>
      makeRemovalRequest(this.#engine, this.#state.keys, terms);
    return { identity: this.#state.keys.identity, controlPlane, clock, channels, sign, warn };
  }

  async close(): Promise<void> {
    await this.#inspection?.close();
    const [stopped] = await Promise.allSettled([this.#channels.stop()]);
    await this.#sweep.stop();
    await this.#state.store.close();
    if (stopped.status === 'rejected') throw stopped.reason;
  }

  async #joinWith(
    name: ChannelName,
    welcome: Uint8Array,
    bundle: KeyPackageBundle,
    admission: 'admitted' | { readonly signal: AbortSignal | undefined },
  ): Promise<Channel> {
    const channel = await this.#channels.add(
      name,
      async (old) => {
        // Whom we knew under which key does not end with the old membership.
        const group = await this.#welcomes.join(name, welcome, bundle, old?.pins ?? NO_PINS);
        const { transport, clock } = this.#options;
        // Before anything is written: if this fails, or the process ends here, the same Welcome can be used again.
        if (admission !== 'admitted' && transport.isAuthenticated) {
          await this.#welcomes.askAdmission(name, bundle, admission.signal);
        }
        return newRecord(name, group, { afterCommitOfEpoch: group.epoch - 1n }, clock.now(), old);
      },
      'rejoin',
    );
    await this.#welcomes.spend(bundle);
    return channel;
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
}
