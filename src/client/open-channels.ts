import { type Channel, startChannel } from '../actors/channel/index.ts';
import type { ChannelName } from '../base/channel-name.ts';
import { ChannelError } from '../base/errors.ts';
import { type ChannelRecord, makeEpochStatement, makeRejoinRequest, type MlsEngine } from '../mls/index.ts';
import { type StateObservable, StateSubject } from '../streams/index.ts';
import type { AgentOptions } from './agent-options.ts';
import type { AgentState } from './agent-state.ts';
import { Inviter } from './inviter.ts';
import type { WelcomeDesk } from './welcome-desk.ts';

/** The channels of an agent: those that are open, and those that are being made. */
export class OpenChannels {
  readonly #options: AgentOptions;
  readonly #engine: MlsEngine;
  readonly #state: AgentState;
  readonly #welcomes: WelcomeDesk;
  readonly #channels = new Map<ChannelName, Channel>();
  readonly #open = new StateSubject<readonly Channel[]>([]);
  readonly #inviters = new WeakMap<Channel, Inviter>();
  /** Channels that are being made right now, so that two calls do not make one twice. */
  readonly #opening = new Set<ChannelName>();
  /** The channels that are open. Hot, replays the latest; never completes and never errors. */
  readonly channels$: StateObservable<readonly Channel[]> = this.#open.asObservable();

  constructor(options: AgentOptions, engine: MlsEngine, state: AgentState, welcomes: WelcomeDesk) {
    this.#options = options;
    this.#engine = engine;
    this.#state = state;
    this.#welcomes = welcomes;
  }

  /** The channel, as the store has it. @throws {@link ChannelError} `not_found` if the agent is not in it */
  async open(name: ChannelName): Promise<Channel> {
    const open = this.#channels.get(name);
    if (open !== undefined) return open;
    const record = await this.#state.store.loadChannel(name);
    if (record === undefined) throw new ChannelError('not_found', `this agent is not in ${name}`);
    // Another call may have been faster while the store was read.
    return this.#channels.get(name) ?? this.#start(record);
  }

  /**
   * Makes a channel, saves it and starts it.
   *
   * @param makeRecord given the old membership that is over, if there is one
   * @param mode `rejoin` may replace such a membership
   * @throws {@link ChannelError} `channel_exists` if the agent is in it, or if it is being made already
   */
  async add(
    name: ChannelName,
    makeRecord: (old: ChannelRecord | undefined) => Promise<ChannelRecord>,
    mode?: 'rejoin',
  ): Promise<Channel> {
    if (this.#opening.has(name)) throw new ChannelError('channel_exists', `${name} is being made already`);
    this.#opening.add(name);
    try {
      const old = mode === 'rejoin' ? await this.checkNotIn(name) : await this.#state.store.loadChannel(name);
      if (mode !== 'rejoin' && old !== undefined) throw alreadyIn(name);
      const record = await makeRecord(old);
      await this.#channels.get(name)?.stop({ graceMs: 0 });
      await this.#state.store.saveChannel(record);
      return this.#start(record);
    } finally {
      this.#opening.delete(name);
    }
  }

  /** The old membership, if there is one that is over. @throws {@link ChannelError} `channel_exists` if there is one that is not */
  async checkNotIn(name: ChannelName): Promise<ChannelRecord | undefined> {
    const old = await this.#state.store.loadChannel(name);
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

  /** What makes invites to a channel of this agent. @throws {@link ChannelError} `not_found` for another channel */
  inviterOf(channel: Channel): Inviter {
    const inviter = this.#inviters.get(channel);
    if (inviter !== undefined) return inviter;
    throw new ChannelError('not_found', `${channel.name} is not a channel of this agent`);
  }

  /** Stops all of them. @throws AggregateError if some could not be closed properly, when all have ended */
  async stop(): Promise<void> {
    const stopped = await Promise.allSettled([...this.#channels.values()].map((channel) => channel.stop()));
    const failures = stopped.flatMap((result) => (result.status === 'rejected' ? [result.reason as unknown] : []));
    if (failures.length > 0) throw new AggregateError(failures, 'some channels could not be closed properly');
  }

  #start(record: ChannelRecord): Channel {
    const engine = this.#engine;
    const { store, keys } = this.#state;
    const { transport, controlPlane, clock, random, rotation, commitWindowMs, acceptRemoval } = this.#options;
    const channel = startChannel(record, {
      engine,
      store,
      transport,
      clock,
      random,
      commitWindowMs,
      ...(rotation && { rotation }),
      ...(acceptRemoval && { acceptRemoval }),
      ...(controlPlane && { controlPlane }),
      stateEpoch: (group) => makeEpochStatement(engine, keys, group),
      rejoin: {
        createKeyPackage: () => this.#welcomes.createKeyPackage(),
        makeRequest: ({ group }, bundle, epoch) =>
          makeRejoinRequest(engine, keys, bundle, { groupId: group.groupId, epoch }),
        join: async (old, welcome, bundle) => {
          const group = await this.#welcomes.join(old.name, welcome, bundle, old.pins);
          await this.#welcomes.spend(bundle);
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
    const invites = { engine, keys, clock, controlPlane };
    this.#inviters.set(channel, new Inviter(invites, record.name, record.group.groupId));
    channel.status$.subscribe({ complete: forget, error: forget });
    return channel;
  }
}

function alreadyIn(name: ChannelName): ChannelError {
  return new ChannelError('channel_exists', `this agent is in ${name} already: open it with openChannel()`);
}
